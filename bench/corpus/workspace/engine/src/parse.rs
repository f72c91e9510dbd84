//! Reads `name = number` lines.
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    Syntax { line: usize, found: String },
    Number(std::num::ParseIntError),
}

pub fn pairs(text: &str) -> Result<HashMap<String, u32>, Trouble> {
    let mut found = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(Trouble::Syntax { line: number + 1, found: line.to_string() });
        };
        let value = value.trim().parse::<u32>().map_err(Trouble::Number)?;
        found.insert(name.trim().to_string(), value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs() {
        assert_eq!(pairs("a = 1\nb = 2").unwrap()["b"], 2);
    }

    #[test]
    fn refuses_words() {
        assert!(matches!(pairs("a = x"), Err(Trouble::Number(_))));
    }

    #[test]
    fn names_the_line() {
        assert_eq!(pairs("a = 1\n?"), Err(Trouble::Syntax { line: 3, found: "?".into() }));
    }
}
