//! Copies of proofs, each with one thing changed that makes it wrong, and what that is.

use crate::wire::{bytes32, hex, MultiUpdate, ProofSet, Terminal, Update};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Of a set: its root, each key's path, and the multiproof.
pub fn sets(set: &ProofSet) -> Vec<(String, ProofSet)> {
    let mut all = Damaged::new(set);
    all.add("the root is another", |set| flip(&mut set.root, 77));
    for at in 0..set.paths.len() {
        let path = &set.paths[at];
        let depth = path.siblings.len();
        // A wrong claim, for the path and the multiproof alike.
        all.add(&format!("key {at} is claimed to be what it is not"), |set| {
            let claim = &mut set.paths[at].value_hash;
            *claim = if claim.is_some() { None } else { Some(ZEROS.to_string()) };
        });
        if path.value_hash.is_some() {
            all.add(&format!("key {at} is claimed to have another value"), |set| {
                flip(set.paths[at].value_hash.as_mut().expect("seen above"), 200)
            });
        }
        for level in spread(depth) {
            all.add(&format!("sibling {level} of key {at} is another"), |set| {
                flip(&mut set.paths[at].siblings[level], level * 3 % 256)
            });
            all.add(&format!("sibling {level} of key {at} is missing"), |set| {
                set.paths[at].siblings.remove(level);
            });
            all.add(&format!("key {at} is another from bit {level}"), |set| {
                flip(&mut set.paths[at].key, level)
            });
        }
        if depth < 256 {
            all.add(&format!("key {at} has a sibling too many"), |set| {
                set.paths[at].siblings.push(String::new())
            });
        }
        if let Terminal::Leaf { .. } = path.terminal {
            for part in 0..2 {
                all.add(&format!("the leaf of key {at} is another"), |set| {
                    if let Terminal::Leaf { key, value_hash } = &mut set.paths[at].terminal {
                        flip(if part == 0 { key } else { value_hash }, 255)
                    }
                });
            }
        }
    }
    for at in spread(set.multi.siblings.len()) {
        all.add(&format!("sibling {at} of the multiproof is another"), |set| {
            flip(&mut set.multi.siblings[at], at * 5 % 256)
        });
        all.add(&format!("sibling {at} of the multiproof is missing"), |set| {
            set.multi.siblings.remove(at);
        });
    }
    all.add("the multiproof has a sibling too many", |set| {
        set.multi.siblings.push(String::new())
    });
    for at in 0..set.multi.paths.len() {
        // A multiproof of no path proves the trie that is empty.
        if set.root != ZEROS {
            all.add(&format!("path {at} of the multiproof is missing"), |set| {
                set.multi.paths.remove(at);
            });
        }
        all.add(&format!("path {at} of the multiproof is deeper"), |set| {
            set.multi.paths[at].depth += 1
        });
        if let Terminal::Leaf { .. } = set.multi.paths[at].terminal {
            all.add(&format!("leaf {at} of the multiproof is another"), |set| {
                if let Terminal::Leaf { value_hash, .. } = &mut set.multi.paths[at].terminal {
                    flip(value_hash, 0)
                }
            });
        }
        if at > 0 {
            all.add(
                &format!("paths {at} and the one before it of the multiproof are swapped"),
                |set| set.multi.paths.swap(at, at - 1),
            );
        }
    }
    all.copies
}

/// Of an update: both roots, each path, and operations.
pub fn updates(update: &Update) -> Vec<(String, Update)> {
    let mut all = Damaged::new(update);
    all.add("the root after it is another", |update| flip(&mut update.root, 3));
    all.add("the root before it is another", |update| {
        flip(&mut update.prev_root, 250)
    });
    for at in 0..update.paths.len() {
        let depth = update.paths[at].siblings.len();
        for level in spread(depth) {
            all.add(&format!("sibling {level} of path {at} is another"), |update| {
                flip(&mut update.paths[at].siblings[level], 100)
            });
            all.add(&format!("an operation of path {at} is out of its scope"), |update| {
                flip(&mut update.paths[at].ops[0].0, level)
            });
        }
        if depth < 256 {
            all.add(&format!("path {at} has a sibling too many"), |update| {
                update.paths[at].siblings.push(String::new())
            });
        }
        for op in 0..update.paths[at].ops.len() {
            all.add(&format!("operation {op} of path {at} writes another value"), |update| {
                let value = &mut update.paths[at].ops[op].1;
                let mut other = value.clone().unwrap_or_else(|| ZEROS.to_string());
                flip(&mut other, 31);
                *value = Some(other);
            });
        }
        if update.paths[at].ops.len() > 1 {
            all.add(&format!("operations of path {at} are swapped"), |update| {
                update.paths[at].ops.swap(0, 1)
            });
        }
        if at > 0 {
            all.add(&format!("paths {at} and the one before it are swapped"), |update| {
                update.paths.swap(at, at - 1)
            });
        }
        all.add(&format!("path {at} has no operation"), |update| {
            update.paths[at].ops.clear()
        });
    }
    all.copies
}

/// Of an update by a multiproof: both roots, the multiproof, and operations.
pub fn multi_updates(update: &MultiUpdate) -> Vec<(String, MultiUpdate)> {
    let mut all = Damaged::new(update);
    all.add("the root after it is another", |update| flip(&mut update.root, 130));
    all.add("the root before it is another", |update| flip(&mut update.prev_root, 9));
    for at in spread(update.multi.siblings.len()) {
        all.add(&format!("sibling {at} is another"), |update| {
            flip(&mut update.multi.siblings[at], 60)
        });
        all.add(&format!("sibling {at} is missing"), |update| {
            update.multi.siblings.remove(at);
        });
    }
    for at in spread(update.ops.len()) {
        all.add(&format!("operation {at} writes another value"), |update| {
            let mut other = update.ops[at].1.clone().unwrap_or_else(|| ZEROS.to_string());
            flip(&mut other, 2);
            update.ops[at].1 = Some(other);
        });
        if at > 0 {
            all.add(
                &format!("operations {at} and the one before it are swapped"),
                |update| update.ops.swap(at, at - 1),
            );
        }
    }
    all.copies
}

struct Damaged<T> {
    text: String,
    copies: Vec<(String, T)>,
}

impl<T: serde::Serialize + serde::de::DeserializeOwned> Damaged<T> {
    fn new(of: &T) -> Self {
        Damaged {
            text: serde_json::to_string(of).expect("plain data"),
            copies: Vec::new(),
        }
    }

    fn add(&mut self, what: &str, harm: impl FnOnce(&mut T)) {
        let mut copy = serde_json::from_str(&self.text).expect("it was written above");
        harm(&mut copy);
        self.copies.push((what.to_string(), copy));
    }
}

/// The first, the last and two between.
fn spread(count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = [0, 1, 2, 3]
        .iter()
        .filter_map(|part| count.checked_sub(1).map(|last| last * part / 3))
        .collect();
    all.dedup();
    all
}

fn flip(text: &mut String, bit: usize) {
    let mut bytes = if text.is_empty() { [0; 32] } else { bytes32(text) };
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    *text = hex(&bytes);
}
