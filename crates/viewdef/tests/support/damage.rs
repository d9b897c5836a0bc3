//! Bodies with elements removed, repeated, and of other types.

use serde_json::{Value, json};

/// Damages bodies, the same ones in every run.
pub(crate) struct Damage(u64);

impl Damage {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The body with some things changed; its type and id stay.
    pub(crate) fn applied(&mut self, body: &Value, changes: usize) -> Value {
        let mut damaged = body.clone();
        for _ in 0..changes {
            self.change(&mut damaged, 0);
            if !damaged.is_object() {
                damaged = body.clone();
            }
        }
        for key in ["resourceType", "id"] {
            if let Some(kept) = body.get(key) {
                damaged[key] = kept.clone();
            }
        }
        damaged
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).unwrap()
    }

    /// Goes down to some element and changes it there.
    fn change(&mut self, value: &mut Value, depth: usize) {
        let stop = depth > 0 && self.below(4) == 0;
        match value {
            Value::Object(object) if !object.is_empty() && !stop => {
                let position = self.below(object.len());
                let key = object.keys().nth(position).unwrap().clone();
                match self.below(12) {
                    0 => {
                        object.remove(&key);
                    }
                    1 => {
                        let companion = json!({"id": "x", "extension": [{"url": "u"}]});
                        object.insert(format!("_{key}"), companion);
                    }
                    2 => {
                        object.insert(format!("_{key}"), json!([null, {"id": "y"}]));
                        object.insert(key, json!([null, null, "z"]));
                    }
                    _ => self.change(&mut object[&key], depth + 1),
                }
            }
            Value::Array(items) if !items.is_empty() && !stop => {
                let position = self.below(items.len());
                match self.below(8) {
                    0 => items.push(items[position].clone()),
                    1 => {
                        items.remove(position);
                    }
                    _ => self.change(&mut items[position], depth + 1),
                }
            }
            other => {
                let list = json!([other.clone(), other.clone()]);
                *other = match self.below(14) {
                    0 => Value::Null,
                    1 => json!(true),
                    2 => json!(17),
                    3 => Value::Number("1234567890123456789.125".parse().unwrap()),
                    4 => json!("2024-02-30"),
                    5 => json!("2024"),
                    6 => json!("2024-05-06T07:08:09.123456789+02:00"),
                    7 => json!("a\"b\\c\u{1}\u{e4}\u{1f600}"),
                    8 => json!({}),
                    9 => json!([]),
                    10 => {
                        json!({"coding": [{"code": "c"}], "value": "v", "reference": "Patient/1"})
                    }
                    11 => json!([[1, 2], ["x"]]),
                    12 => Value::Number("1.5e3".parse().unwrap()),
                    _ => list,
                };
            }
        }
    }
}
