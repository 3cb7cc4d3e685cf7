"""What the mirror says about the business: pipeline, forecast, waterfall, accuracy, win rate, funnel, ageing, response.

Each analysis is one module with functions from a `source.Source` to a `table.Table`. They read `live`, `salesforce` and
`sfsync`; they write nothing.
"""
