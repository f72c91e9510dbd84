//! A small program whose warnings, tests and panic are part of the corpus.
use std::collections::HashMap;

mod parse;

fn unused_total(values: &[u32]) -> u32 {
    let mut sum = 0;
    for v in values { sum += v; }
    sum
}

fn load(path: &str) -> HashMap<String, u32> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("cannot read {path}: {e}"));
    parse::pairs(&text).expect("pairs")
}

fn main() {
    let config = load(&std::env::args().nth(1).unwrap_or("engine.conf".into()));
    let mut retries = 3;
    println!("{config:#?}");
}
