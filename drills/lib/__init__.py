"""What all drills share: how one is described, carried out, measured, judged and reported."""
