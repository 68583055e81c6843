"""Training: data, recipes, the loop, and what each Mini model learns."""
