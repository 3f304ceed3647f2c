"""What a step takes beside the bound: few physical terms, each zero where everything is ideal."""
