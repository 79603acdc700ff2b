"""RabbitMQ: topology, consumers, and the relay that publishes the outbox."""
