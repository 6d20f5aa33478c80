"""The senses: the telemetry hub and its sinks.  Telemetry never changes training."""
