"""What ``import steptime`` offers: questions in the words of the field, answers that show themselves."""
