"""The book: chapters of theorems told in words, with figures that the program draws and exercises that it answers."""
