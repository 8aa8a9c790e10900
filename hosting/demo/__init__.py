"""Two synthetic utilities, drawn and numbered by a fixed seed, so that a newcomer sees every page filled.

`streets` lays out towns and roads, `network` grows radial feeders along them and cuts them into sections,
`study` gives each section its capacity, `valley` and `harbor` write that down as two quite different
publishers would, and `generate` puts it where `recorded://` addresses are answered from. The same seed gives
the same bytes. No Django here, no clock, nothing taken from a real utility; the catalog's `demo_*.yaml`
describe the layers.
"""
