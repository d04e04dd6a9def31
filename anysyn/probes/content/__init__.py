"""Do features of one place agree across source modalities?"""
