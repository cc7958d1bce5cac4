"""A first study file for given faces: nets and settings that fit them, with the reasons as comments."""
