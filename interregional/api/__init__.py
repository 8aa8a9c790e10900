"""What programs read of the flows: `/api/interface-flows` and `/api/interregional-flows`, also under
`/api/v1/`.

`parameters.py` says what can be asked, `shapes.py` what is answered, `flows.py` has the two endpoints.
"""
