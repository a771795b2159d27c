"""The study file: schema, loading, expansion to jobs, execution."""
