"""AppRec 1.0 and 1.1 <-> ApplicationReceipt (HIS 80415). What other modules import."""

from gateway.codecs.apprec_read import is_apprec, parse_apprec
from gateway.codecs.apprec_write import render_apprec

__all__ = ["is_apprec", "parse_apprec", "render_apprec"]
