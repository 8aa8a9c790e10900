"""Months of IEDR files made at a chosen scale, with the answer that loading them must give.

At scale 1 there are as many rows as in the files seen: 64,539 segments of 267 feeders, 1,909 feeders, and
71,909 DER in four lists. What a row says depends on the seed and on its number alone, so that any
month can be made without the one before, in chunks, in bounded memory. Rows hold what is wrong in real
files, each kind in a small share; names of streets are made up and say so.

`chance.py` draws, `population.py` knows who is there in which month, `forms.py` how cells are written;
`circuits.py` and `ders.py` write the files; `answer.py` adds up what was drawn, without reading any file.
"""
