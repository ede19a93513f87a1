//! Copies of proofs, each with one thing changed that makes it wrong. They are handed to a visitor one by one, with what was changed.

use crate::wire::{bytes32, hex, MultiUpdate, ProofSet, ProvenKey, Terminal, Update};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One key and its path.
pub fn paths(path: &ProvenKey, visit: impl FnMut(&str, &ProvenKey)) {
    let mut all = Damaged(path, visit);
    let depth = path.siblings.len();
    all.add("the claim is turned round", |path| turn(&mut path.value_hash));
    if path.value_hash.is_some() {
        all.add("another value is claimed", |path| {
            flip(path.value_hash.as_mut().expect("seen above"), 200)
        });
    }
    for level in spread(depth) {
        all.add(&format!("sibling {level} is another"), |path| {
            flip(&mut path.siblings[level], level * 3 % 256)
        });
        all.add(&format!("sibling {level} is missing"), |path| {
            path.siblings.remove(level);
        });
        all.add(&format!("the key is another from bit {level} on"), |path| {
            flip(&mut path.key, level)
        });
    }
    if depth < 256 {
        all.add("there is a sibling too many", |path| path.siblings.push(String::new()));
    }
    for part in 0..2 {
        if let Terminal::Leaf { .. } = path.terminal {
            all.add("the leaf is another", |path| {
                if let Terminal::Leaf { key, value_hash } = &mut path.terminal {
                    flip(if part == 0 { key } else { value_hash }, 255)
                }
            });
        }
    }
}

/// A multiproof and what it is said to show.
pub fn multi_proofs(set: &ProofSet, visit: impl FnMut(&str, &ProofSet)) {
    let mut all = Damaged(set, visit);
    all.add("the root is another", |set| flip(&mut set.root, 77));
    for at in 0..set.paths.len() {
        all.add(&format!("the claim about key {at} is turned round"), |set| {
            turn(&mut set.paths[at].value_hash)
        });
    }
    for at in spread(set.multi.siblings.len()) {
        all.add(&format!("sibling {at} is another"), |set| {
            flip(&mut set.multi.siblings[at], at * 5 % 256)
        });
        all.add(&format!("sibling {at} is missing"), |set| {
            set.multi.siblings.remove(at);
        });
    }
    all.add("there is a sibling too many", |set| {
        set.multi.siblings.push(String::new())
    });
    for at in 0..set.multi.paths.len() {
        // A multiproof of no path proves the trie that is empty.
        if set.root != ZEROS {
            all.add(&format!("path {at} is missing"), |set| {
                set.multi.paths.remove(at);
            });
        }
        all.add(&format!("path {at} is deeper"), |set| set.multi.paths[at].depth += 1);
        if let Terminal::Leaf { .. } = set.multi.paths[at].terminal {
            all.add(&format!("leaf {at} is another"), |set| {
                if let Terminal::Leaf { value_hash, .. } = &mut set.multi.paths[at].terminal {
                    flip(value_hash, 0)
                }
            });
        }
        if at > 0 {
            all.add(&format!("paths {at} and the one before it are swapped"), |set| {
                set.multi.paths.swap(at, at - 1)
            });
        }
    }
}

/// An update by paths.
pub fn updates(update: &Update, visit: impl FnMut(&str, &Update)) {
    let mut all = Damaged(update, visit);
    all.add("the root after it is another", |update| flip(&mut update.root, 3));
    all.add("the root before it is another", |update| {
        flip(&mut update.prev_root, 250)
    });
    for at in spread(update.paths.len()) {
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
                rewrite(&mut update.paths[at].ops[op].1)
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
}

/// An update by a multiproof.
pub fn multi_updates(update: &MultiUpdate, visit: impl FnMut(&str, &MultiUpdate)) {
    let mut all = Damaged(update, visit);
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
            rewrite(&mut update.ops[at].1)
        });
        if at > 0 {
            all.add(
                &format!("operations {at} and the one before it are swapped"),
                |update| update.ops.swap(at, at - 1),
            );
        }
    }
}

struct Damaged<'a, T, V>(&'a T, V);

impl<T: Clone, V: FnMut(&str, &T)> Damaged<'_, T, V> {
    fn add(&mut self, what: &str, harm: impl FnOnce(&mut T)) {
        let mut copy = self.0.clone();
        harm(&mut copy);
        self.1(what, &copy);
    }
}

/// The first, the last and two between.
fn spread(count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = match count {
        0 => vec![],
        _ => (0..4).map(|part| (count - 1) * part / 3).collect(),
    };
    all.dedup();
    all
}

/// There where it is said to be absent, and the reverse.
fn turn(claim: &mut Option<String>) {
    *claim = if claim.is_some() { None } else { Some(ZEROS.to_string()) };
}

/// Another value, also where it was deleted.
fn rewrite(value: &mut Option<String>) {
    let mut other = value.clone().unwrap_or_else(|| ZEROS.to_string());
    flip(&mut other, 31);
    *value = Some(other);
}

fn flip(text: &mut String, bit: usize) {
    let mut bytes = if text.is_empty() { [0; 32] } else { bytes32(text) };
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    *text = hex(&bytes);
}
