"""What the gateway tells about itself: numbers and log lines."""
