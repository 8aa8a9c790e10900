"""The medallion lake: bronze (as published), silver (our words and units), platinum (ready to serve).

Plain PySpark DataFrame functions and Delta tables. No Django import anywhere below here: the same code runs
embedded, on Spark Connect or as a Databricks job.
"""
