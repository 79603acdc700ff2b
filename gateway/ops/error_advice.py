"""What to do about each error code, Norwegian first; ``docs/errors.md`` is made from it.

Written for the person on duty: what to look at, which command to type, whom to
call. ``gateway.errors`` says what happened; this says what follows for people.
"""

from typing import Final

ADVICE: Final[dict[str, tuple[str, str]]] = {
    "GW-000": (
        "Meld fra til leverandøren med koden, tidspunktet og loggen.",
        "Report it to the vendor with the code, the time and the log.",
    ),
    "GW-101": (
        "Ingenting for én enkelt melding: den sendes på nytt av seg selv. Gjelder det mange, er "
        "e-posttjeneren eller nettet nede: `dialog-gateway check` viser om den svarer.",
        "Nothing for a single message: it is sent again by itself. If there are many, the mail "
        "server or the network is down: `dialog-gateway check` shows whether it answers.",
    ),
    "GW-102": (
        "Få databasen opp, eller skaff plass på disken. Køene fra EPJ venter imens; når journalen "
        "svarer, går alt videre uten omstart.",
        "Bring the database back, or make room on its disk. The queues from the EPJ wait "
        "meanwhile; when the journal answers, all goes on without a restart.",
    ),
    "GW-103": (
        "Få RabbitMQ opp. Meldingene ligger i journalen og i køene; forbindelsen kommer tilbake av "
        "seg selv.",
        "Bring RabbitMQ back. The messages are in the journal and in the queues; the connection "
        "comes back by itself.",
    ),
    "GW-111": (
        "Se svaret fra tjeneren: `dialog-gateway trace ID`. Rett EDI-adressen i adresseboken, last "
        "den på nytt (SIGHUP), og send igjen: `dialog-gateway dead-letters replay ID`.",
        "See the server's answer: `dialog-gateway trace ID`. Correct the EDI address in the "
        "address book, reload it (SIGHUP), and send again: `dialog-gateway dead-letters replay "
        "ID`.",
    ),
    "GW-112": (
        "Ring mottakerens meldingsansvarlige: deres meldingstjener tar ikke imot eller svarer "
        "ikke. Send igjen når den er oppe: `dialog-gateway dead-letters replay ID`.",
        "Call the receiver's message responsible: their message handler does not receive or does "
        "not answer. Send again when it is up: `dialog-gateway dead-letters replay ID`.",
    ),
    "GW-113": (
        "Regn meldingen som ikke mottatt. Kontroller egen side med `dialog-gateway trace ID`, og "
        "kontakt mottakeren samme dag. Kommer kvitteringen likevel, ordner det seg selv.",
        "Treat the message as not received. Check our own side with `dialog-gateway trace ID`, and "
        "contact the receiver the same day. If the receipt comes after all, it settles the matter.",
    ),
    "GW-114": (
        "Se hvem som sendte kvitteringen: `dialog-gateway dead-letters show ID`. Vanlig etter at "
        "journalen er gjenopprettet fra sikkerhetskopi; ellers har mottakeren svart feil part.",
        "See who sent the receipt: `dialog-gateway dead-letters show ID`. Usual after the journal "
        "was restored from a backup; otherwise the receiver answered the wrong party.",
    ),
    "GW-115": (
        "Den første kvitteringen gjelder. Spør mottakeren hva som er riktig; var den første feil, "
        "må avsenderen sende en ny melding. Avslutt saken med `dialog-gateway dead-letters "
        "discard ID`.",
        "The first receipt stands. Ask the receiver which is right; if the first was wrong, the "
        "author has to send a new message. Close the matter with `dialog-gateway dead-letters "
        "discard ID`.",
    ),
    "GW-116": (
        "Feil hos EPJ, eller journalen er gjenopprettet fra sikkerhetskopi. Avsenderen får ingen "
        "applikasjonskvittering: be dem sende meldingen på nytt, og prøv så `dialog-gateway "
        "dead-letters replay ID`.",
        "A fault of the EPJ, or the journal was restored from a backup. The sender gets no "
        "application receipt: ask them to send the message again, then try `dialog-gateway "
        "dead-letters replay ID`.",
    ),
    "GW-117": (
        "Les feilkoden fra mottakeren: `dialog-gateway trace ID`. SecurityFailure gjelder nesten "
        "alltid sertifikater, ValueNotRecognized adresser. Avtal med mottakeren.",
        "Read the receiver's error code: `dialog-gateway trace ID`. SecurityFailure is nearly "
        "always about certificates, ValueNotRecognized about addresses. Settle it with the "
        "receiver.",
    ),
    "GW-118": (
        "Les meldingen med `dialog-gateway content ID -o FIL --reason …`, avklar med partneren hva "
        "som var galt, og ta det opp med den som skrev meldingen. Avslutt saken med "
        "`dialog-gateway dead-letters discard ID` når den er fulgt opp.",
        "Read the message with `dialog-gateway content ID -o FILE --reason …`, settle with the "
        "partner what was wrong, and take it up with the author of the message. Close the matter "
        "with `dialog-gateway dead-letters discard ID` once it has been followed up.",
    ),
    "GW-119": (
        "Meldingen finnes ikke hos mottakeren. Avsenderen må ringe for å få årsaken, og sende en "
        "ny melding. Skjer det ofte, utelater mottakerens system feilkoden i applikasjons"
        "kvitteringene (kodeverk 8221): si fra til mottakeren.",
        "The receiver does not have the message. The sender must call to learn why, and send a new "
        "message. If it happens often, the receiver's system leaves the error code out of its "
        "application receipts (code list 8221): tell the receiver.",
    ),
    "GW-121": (
        "Ingenting: en annen instans gjorde det samme et øyeblikk før.",
        "Nothing: another instance did the same a moment before.",
    ),
    "GW-122": (
        "Sjekk at EPJ leser `epj.incoming` og bekrefter. Finn ut om meldingen er kommet inn i "
        "journalen, og ring avsenderen hvis ikke. Saken lukkes av seg selv når EPJ bekrefter.",
        "See that the EPJ reads `epj.incoming` and confirms. Find out whether the message is in "
        "the patient's record, and call its sender if not. The matter closes itself when the EPJ "
        "confirms.",
    ),
    "GW-123": (
        "Gi avsenderen beskjed om at vedlegg ikke når fram, og be om innholdet som tekst. Det som "
        "ble fjernet, ligger forseglet i journalen. Avslutt med `dialog-gateway dead-letters "
        "discard ID`.",
        "Tell the sender that attachments do not get through, and ask for what they hold as text. "
        "What was removed lies sealed in the journal. Close it with `dialog-gateway dead-letters "
        "discard ID`.",
    ),
    "GW-201": (
        "Avsenderens system lager ikke gyldig XML. EPJ-leverandøren (ut) eller partneren (inn) må "
        "rette det og sende en ny melding.",
        "The sender's system does not make valid XML. The EPJ's vendor (outgoing) or the partner "
        "(incoming) has to mend it and send a new message.",
    ),
    "GW-202": (
        "Se hvor feilen er: `dialog-gateway screen FIL --direction outgoing`. Avsenderens system "
        "må rettes; meldingen sendes som en ny.",
        "See where the fault is: `dialog-gateway screen FILE --direction outgoing`. The sender's "
        "system has to be mended; the message is sent as a new one.",
    ),
    "GW-203": (
        "Avtal meldingstype og versjon med avsenderen: her brukes Dialogmelding 1.0 i MsgHead 1.2.",
        "Agree on message type and version with the sender: Dialogmelding 1.0 in MsgHead 1.2 is "
        "used here.",
    ),
    "GW-204": (
        "Avsenderens system må slutte å skrive DOCTYPE. Kommer det fra en ukjent kant, se på det "
        "som en sikkerhetshendelse.",
        "The sender's system must stop writing a DOCTYPE. From an unexpected side, look at it as a "
        "security incident.",
    ),
    "GW-205": (
        "Del opp eller kort ned meldingen. Grensene står i `[limits]`; de kan bare settes lavere.",
        "Split or shorten the message. The limits stand in `[limits]`; they can only be lowered.",
    ),
    "GW-206": (
        "Noen har sendt vanlig e-post, eller et system sender feil. `dialog-gateway dead-letters "
        "show ID` sier hva som ikke stemte; avslutt med `dialog-gateway dead-letters discard ID`.",
        "Somebody sent ordinary mail, or a system sends wrongly. `dialog-gateway dead-letters "
        "show ID` says what did not fit; close it with `dialog-gateway dead-letters discard ID`.",
    ),
    "GW-207": (
        "EPJ må merke meldingen med content_type `application/xml` eller `application/json`.",
        "The EPJ has to give the message the content_type `application/xml` or `application/json`.",
    ),
    "GW-208": (
        "Bekreftelsen ligger på `parked`. EPJ-leverandøren må rette den og sende den på nytt, "
        "ellers får avsenderen ingen kvittering. Var feilen vår: `dialog-gateway dead-letters "
        "replay ID`.",
        "The confirmation is on `parked`. The EPJ's vendor has to mend it and send it again, "
        "otherwise the sender gets no receipt. Was it our fault: `dialog-gateway dead-letters "
        "replay ID`.",
    ),
    "GW-209": (
        "Meldingen kan være mottatt eller avvist: spør mottakeren. Deres kvittering følger ikke "
        "standarden, og må rettes hos dem.",
        "The message may have been taken in or refused: ask the receiver. Their receipt does not "
        "follow the standard and has to be mended on their side.",
    ),
    "GW-211": (
        "Partneren må sende etter den norske profilen (HITS 1171, HITS 1172). De har fått vite det "
        "i en MessageError.",
        "The partner has to send by the Norwegian profile (HITS 1171, HITS 1172). A MessageError "
        "has told them.",
    ),
    "GW-212": (
        "Partneren har brukt samme eb:MessageId om igjen eller satt sammen konvolutten feil. De "
        "har fått vite det, og må sende en ny melding.",
        "The partner used an eb:MessageId again or put the envelope together wrongly. They have "
        "been told, and must send a new message.",
    ),
    "GW-213": (
        "E-posten er skadet eller satt sammen feil hos partneren; de har fått vite det.",
        "The mail was damaged or put together wrongly by the partner; they have been told.",
    ),
    "GW-214": (
        "Gjelder det en tjeneste vi skulle hatt, mangler den i adresseboken: `dialog-gateway route "
        "HER-ID`. Ellers har partneren feil adresse.",
        "If it is a service that we should have, it is missing in the address book: "
        "`dialog-gateway route HER-ID`. Otherwise the partner has the wrong address.",
    ),
    "GW-215": (
        "Meldingen har ligget for lenge underveis. Kontroller klokken på begge sider; partneren "
        "sender på nytt.",
        "The message was under way too long. Check the clocks of both sides; the partner sends "
        "again.",
    ),
    "GW-216": (
        "Meldingen er tatt imot. Partneren får en advarsel og bør sende konvolutten i UTF-8.",
        "The message was taken in. The partner is warned and should send its envelope in UTF-8.",
    ),
    "GW-301": (
        "Kom den fra en kjent partner, har de trolig byttet sertifikat: hent det nye fra "
        "Adresseregisteret, legg det i adresseboken og last på nytt. Ellers: sikkerhetshendelse.",
        "From a known partner they have probably changed their certificate: fetch the new one from "
        "the address register, put it into the address book and reload. Otherwise: a security "
        "incident.",
    ),
    "GW-302": (
        "Sertifikatet er utløpt, av feil type eller ikke registrert. Hent partnerens gjeldende "
        "sertifikat; finnes det ikke noe, må partneren skaffe det.",
        "The certificate has expired, is of the wrong kind or not registered. Fetch the partner's "
        "present one; if there is none, the partner has to get one.",
    ),
    "GW-303": (
        "Partneren har brukt et gammelt eller feil sertifikat for oss. Legg den gamle nøkkelen "
        "tilbake som en ekstra `[[keys.unsealing]]`, og be partneren hente det nye sertifikatet. "
        "Les så en applikasjonskvittering på nytt med `dialog-gateway dead-letters replay ID`.",
        "The partner used an old or wrong certificate of ours. Put the old key back as a further "
        "`[[keys.unsealing]]`, and ask the partner to fetch the new certificate. Then read an "
        "application receipt once more with `dialog-gateway dead-letters replay ID`.",
    ),
    "GW-304": (
        "Er avsenderen en part vi utveksler med, skal den inn i adresseboken; les e-posten på nytt "
        "med `dialog-gateway dead-letters replay ID`. Ellers: avslutt den.",
        "If the sender is a party that we exchange with, it belongs in the address book; read the "
        "mail once more with `dialog-gateway dead-letters replay ID`. Otherwise: close it.",
    ),
    "GW-305": (
        "Hent mottakerens gjeldende krypteringssertifikat fra Adresseregisteret, legg det i "
        "adresseboken og last på nytt. Avsenderen må sende meldingen igjen.",
        "Fetch the receiver's present sealing certificate from the address register, put it into "
        "the address book and reload. The author has to send the message again.",
    ),
    "GW-306": (
        "Legg inn et gyldig signeringspar (`keys.signing_key_file` og "
        "`keys.signing_certificate_file`), og last på nytt (SIGHUP). `dialog-gateway check` sier "
        "hva som er galt. Det som venter, går da videre av seg selv.",
        "Put in a valid signing pair (`keys.signing_key_file` and `keys.signing_certificate_file`) "
        "and reload (SIGHUP). `dialog-gateway check` says what is wrong. What waits then goes on "
        "by itself.",
    ),
    "GW-401": (
        "Se hva adressen treffer: `dialog-gateway route ADRESSE`. Avsenderen velger en av "
        "kandidatene; mangler mottakeren, skal den inn i adresseboken.",
        "See what the address meets: `dialog-gateway route ADDRESS`. The author chooses one of the "
        "candidates; a receiver that is missing belongs in the address book.",
    ),
    "GW-402": (
        "EPJ sender fra en HER-id som ikke er vår. Rett den i EPJ, eller legg tjenesten til "
        "under `own = true` i adresseboken.",
        "The EPJ sends from a HER-id that is not ours. Correct it in the EPJ, or add the service "
        "below `own = true` in the address book.",
    ),
    "GW-901": (
        "Rett det som er listet; `dialog-gateway check` viser alle feil på én gang.",
        "Mend what is listed; `dialog-gateway check` shows all faults at once.",
    ),
    "GW-902": (
        "Noen har laget køen på en annen måte, eller klyngen har mistet flertallet. Tøm og slett "
        "køen når EPJ og meldingstjenesten er stanset, og start igjen: den lages på nytt.",
        "Somebody declared the queue differently, or the cluster has lost its majority. Empty and "
        "delete the queue while EPJ and gateway are stopped, and start again: it is declared anew.",
    ),
    "GW-903": (
        "Stans alle instanser, ta sikkerhetskopi, kjør `dialog-gateway journal upgrade`, og start "
        "igjen. Er skjemaet nyere enn programmet, er det programmet som er for gammelt.",
        "Stop all instances, take a backup, run `dialog-gateway journal upgrade`, and start again. "
        "If the schema is newer than the program, it is the program that is too old.",
    ),
    "GW-904": (
        "Legg den gamle innholdsnøkkelen tilbake i filen, på en linje etter den nye, og start på "
        "nytt. Uten den kan lagret innhold ikke åpnes av noen.",
        "Put the old content key back into the file, on a line after the new one, and restart. "
        "Without it nobody can open the stored content.",
    ),
    "GW-999": (
        "Meldingen er tatt vare på og resten går videre. Meld fra til leverandøren med loggen; "
        "les den på nytt etter rettingen med `dialog-gateway dead-letters replay ID`.",
        "The message is kept and the rest goes on. Report it to the vendor with the log; read it "
        "once more after the fix with `dialog-gateway dead-letters replay ID`.",
    ),
}
"""Code to advice in Norwegian and English."""
