listener {}
