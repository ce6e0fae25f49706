"""What is known of users and movies at any moment; every function looks back from it."""
