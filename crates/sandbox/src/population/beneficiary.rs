//! One synthetic beneficiary.

use super::day::Day;
use crate::random::Random;
use crate::vocabulary::{
    FAMILY_NAMES, HOMES, MIDDLE_NAMES, NAMES_OF_MEN, NAMES_OF_WOMEN, RACES, Race,
};

/// A beneficiary; everything about them follows from the seed and their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beneficiary {
    /// Position in the population.
    pub(crate) index: usize,
    pub(crate) login: String,
    /// Negative, as CMS's synthetic patients have it.
    pub(crate) v2_id: i64,
    /// Another number than in v2.
    pub(crate) v3_id: i64,
    /// A v3 id that was merged into `v3_id`.
    pub(crate) merged_v3_id: Option<i64>,
    pub(crate) mbi: String,
    /// The MBI before `mbi`, and the day of the change.
    pub(crate) former_mbi: Option<(String, Day)>,
    pub(crate) given: String,
    pub(crate) middle: Option<&'static str>,
    pub(crate) family: String,
    pub(crate) sex: Sex,
    pub(crate) birth: Day,
    pub(crate) death: Option<Day>,
    /// Two letters.
    pub(crate) state: &'static str,
    pub(crate) city: &'static str,
    pub(crate) zip: u32,
    pub(crate) race: Race,
    /// Enrolled in Part C.
    pub(crate) has_part_c: bool,
    /// Enrolled in Part D.
    pub(crate) has_part_d: bool,
    /// Has Medicaid too.
    pub(crate) is_dual: bool,
    /// Everything else about the patient is derived from it.
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Female,
    Male,
}

const MBI_LETTERS: &[u8; 20] = b"ACDEFGHJKMNPQRTUVWXY";

const V2_BASE: i64 = 20_140_000_000_000;
const V3_BASE: i64 = 206_000_000;
const V3_STEP: i64 = 1_009;
const MERGED_BASE: i64 = 517_000_000;

/// `BBUser00042`, as CMS's synthetic log-ins are called.
pub(crate) fn login(index: usize) -> String {
    format!("BBUser{index:05}")
}

pub(crate) fn index_of_v2(id: &str) -> Option<usize> {
    let index = id
        .strip_prefix('-')?
        .parse::<i64>()
        .ok()?
        .checked_sub(V2_BASE)?
        - 1;
    usize::try_from(index)
        .ok()
        .filter(|index| v2_id(*index).to_string() == id)
}

pub(crate) fn index_of_v3(id: &str) -> Option<usize> {
    let above = id
        .strip_prefix('-')?
        .parse::<i64>()
        .ok()?
        .checked_sub(V3_BASE)?;
    let index = usize::try_from(above / V3_STEP).ok()?;
    Some(index).filter(|index| v3_id(*index).to_string() == id)
}

fn v2_id(index: usize) -> i64 {
    -(V2_BASE + 1 + signed(index))
}

fn v3_id(index: usize) -> i64 {
    // A step keeps the ids of the two versions from looking like each other.
    -(V3_BASE + signed(index) * V3_STEP + 7)
}

fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or_default()
}

impl Beneficiary {
    pub(crate) fn of(seed: u64, index: usize) -> Self {
        let number = u64::try_from(index).unwrap_or_default();
        let mut random = Random::of(&[seed, number, 0x7065_7273_6f6e]);
        let own_seed = random.next();
        let (sex, names) = if random.chance(560) {
            (Sex::Female, &NAMES_OF_WOMEN)
        } else {
            (Sex::Male, &NAMES_OF_MEN)
        };
        let given = random.pick(names);
        // Digits in the names, as Synthea writes them: no person has such a name.
        let given = format!("{given}{:03}", random.between(100, 999));
        let family = format!(
            "{}{:03}",
            random.pick(&FAMILY_NAMES),
            random.between(100, 999)
        );
        let middle = random.chance(350).then(|| random.pick(&MIDDLE_NAMES));
        let birth = Day::of(1961, 10, 31).plus(-i32::try_from(random.below(13_000)).unwrap_or(0));
        let death = random
            .chance(60)
            .then(|| Day::of(2025, 9, 1).plus(i32::try_from(random.below(400)).unwrap_or(0)))
            .filter(|death| *death > first_of_medicare(birth).plus(60));
        let (state, city, zip) = random.pick(&HOMES);
        let race = random.weighted(&RACES);
        let mbi = mbi(&mut random, number);
        let former_mbi = random.chance(120).then(|| {
            let day = Day::of(2018, 4, 1).plus(i32::try_from(random.below(700)).unwrap_or(0));
            (self::mbi(&mut random, number + 500_000), day)
        });
        let merged_v3_id = random
            .chance(50)
            .then(|| -(MERGED_BASE + signed(index) * 31));
        Self {
            index,
            login: login(index),
            v2_id: v2_id(index),
            v3_id: v3_id(index),
            merged_v3_id,
            mbi,
            former_mbi,
            given,
            middle,
            family,
            sex,
            birth,
            death,
            state,
            city,
            zip: zip + random.below(20),
            race,
            has_part_c: random.chance(250),
            has_part_d: random.chance(800),
            is_dual: random.chance(180),
            seed: own_seed,
        }
    }

    /// True for one patient in `n`; with another `divisor`, for others.
    pub(crate) fn is_one_in(&self, divisor: u64, n: u64) -> bool {
        (self.seed / divisor).is_multiple_of(n)
    }
}

/// The first day of a patient's Medicare.
pub(crate) fn enrolled(patient: &Beneficiary) -> Day {
    first_of_medicare(patient.birth)
}

/// The first of the month of the sixty-fifth birthday.
fn first_of_medicare(birth: Day) -> Day {
    let (year, month, _) = birth.date();
    Day::of(year + 65, month, 1)
}

/// An MBI whose second letter is an S, which CMS never issues: recognizable as synthetic.
fn mbi(random: &mut Random, number: u64) -> String {
    let mut letter = || char::from(random.pick(MBI_LETTERS));
    let (first, second, third) = (letter(), letter(), letter());
    let digits = format!("{:06}", number % 1_000_000);
    let (head, tail) = digits.split_at(2);
    let (middle, tail) = tail.split_at(2);
    format!("1S{head}{first}{middle}{second}{third}{tail}")
}
