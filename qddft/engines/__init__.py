"""Programs that compute: each writes a job folder, runs it and reads it back as Outputs."""
