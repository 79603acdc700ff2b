"""Texts that programs are tempted to change; every one of them must come out as it went in."""

from typing import Final

_LIST = "Medisiner:\n\tParacet\t1 g\tx 4\n\tMetoprolol\t50 mg\tx 1\n\n  - ved behov:\n\t\tSobril"
TEXTS: Final = {
    "line breaks": "Første linje\nandre linje\n\n\nsiste linje\n",
    "windows line breaks": "Første linje\r\nandre linje\r\n\r\nsiste\r",
    "tabs and a pasted list": _LIST,
    "norwegian letters": "Blåbærsyltetøy på Ålgård, ÆØÅ æøå é ü",
    "sami letters": "Čáhci, đ, ŋ, š, ŧ, ž i Kárášjohka",
    "combining letters": "A\u030ase og Bjo\u0308rn: e\u0301, a\u030a, o\u0338",
    "composed and combining side by side": "\u00e5 a\u030a \u212b A\u030a",
    "quotes": "Han sa \"nei\" og 'ja', «kanskje», „vet ikke“ – it's `fine´",
    "what markup is made of": "BT < 120 & puls > 80; &amp; &lt;b&gt; ]]> <!-- --> </Sporsmal>",
    "leading blanks": "   \t  innrykket tekst",
    "trailing blanks": "tekst med hale   \t \n  ",
    "many blanks within": "kol1          kol2\u00a0\u00a0\u00a0kol3\u2003kol4",
    "marks without width": "sam\u00adtykke\u200b og \u200dog\ufeff \u202e her",
    "line ends of other systems": "en\u0085to\u2028tre\u2029fire",
    "beyond the basic plane": "Smerte 😀 𝄞 𠀀 👩🏽‍⚕️",
    "the last that XML allows": "\ud7ff\ue000\ufffd\U00010000\U0010ffff \x7f\x80\x9f",
    "100,000 characters": ("Ærlig talt, en lang tekst.\n\t" * 4_000)[:100_000],
}
"""By what is awkward about them."""
