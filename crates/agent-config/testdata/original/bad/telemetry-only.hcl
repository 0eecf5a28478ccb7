telemetry {}
