"""The example servers that come with the gateway, and the stage that `ostiary demo` plays on."""
