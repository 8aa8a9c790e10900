"""Files that utilities publish or send: all rows of one, or an error that says why not. No Django.

`folder` finds the file, `hostile` refuses what is not what its entry says, `texts` reads CSV, `sheets` XLSX,
`shapes` what GDAL reads, `opened` makes the same pages of all of them that a service's reader makes.
"""
