"""edXML (QCVN 102:2016/BTTTT): reading what agencies send, writing what they can read."""
