"""An independent model of the ledger, in Fractions and dictionaries: no SQL, no data frames, nothing of the
product.

What belongs here: a second reading of the definitions, slow and plain, that the product is compared with
row by row.
"""
