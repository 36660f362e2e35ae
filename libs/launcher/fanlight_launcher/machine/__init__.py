"""What this machine has: programs, ports, X displays, memory, a private runtime directory."""
