//! What becomes of the values of a column.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Date32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Date32Array, StringArray, new_null_array};
use arrow_schema::DataType;
use arrow_select::filter::filter;
use arrow_select::zip::zip;

use crate::codebook::{Codebook, PATIENT};
use crate::error::{DeidentifyError, Result};
use crate::patients::{Age, under_90};
use crate::policy::Action;
use crate::year::{year_name, years};
use crate::zip3::ZipAreas;

/// Whose rows they are.
pub(crate) struct RowsOf<'r> {
    /// By row, `<api>/<id>`.
    pub(crate) patients: &'r [Option<String>],
    pub(crate) ages: &'r [Age],
}

/// What all columns are made with.
pub(crate) struct Makers<'m, 'r> {
    pub(crate) codebook: &'m mut Codebook<'r>,
    pub(crate) areas: &'m ZipAreas,
    pub(crate) keep_providers: bool,
    /// Values that became null as they have another form than the policy says.
    pub(crate) unfit: u64,
}

impl Makers<'_, '_> {
    /// The columns of the copy that a column becomes, with their names.
    pub(crate) fn make(
        &mut self,
        name: &str,
        column: &ArrayRef,
        action: &Action,
        rows: &RowsOf<'_>,
    ) -> Result<Vec<(String, ArrayRef)>> {
        let dates = || {
            years(column).ok_or_else(|| {
                let data_type = column.data_type();
                DeidentifyError::Policy(format!("column {name} has no dates but {data_type}"))
            })
        };
        let one = |name: String, array: ArrayRef| Ok(vec![(name, array)]);
        match action {
            Action::Drop => Ok(Vec::new()),
            Action::Keep => match column.data_type() {
                DataType::List(_) => Err(DeidentifyError::Policy(format!(
                    "column {name} is a list, which cannot be kept"
                ))),
                _ => one(name.to_owned(), column.clone()),
            },
            Action::Code(longest) => {
                let fits = |text: &str| {
                    let mut bytes = text.bytes();
                    text.len() <= *longest
                        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b".*-_".contains(&byte))
                };
                let array = self.fitting(name, column, fits)?;
                one(name.to_owned(), array)
            }
            Action::Digits(count) => {
                let fits = |text: &str| {
                    text.len() == *count && text.bytes().all(|byte| byte.is_ascii_digit())
                };
                let array = self.fitting(name, column, fits)?;
                one(name.to_owned(), array)
            }
            Action::OneOf(known) => {
                let fits = |text: &str| known.iter().any(|one| one == text);
                let array = self.fitting(name, column, fits)?;
                one(name.to_owned(), array)
            }
            Action::Year => one(year_name(name), Arc::new(dates()?)),
            Action::YearAs(other) => one(other.clone(), Arc::new(dates()?)),
            Action::YearUnder90 => {
                let years = under_90(&dates()?, rows.ages);
                one(year_name(name), Arc::new(years))
            }
            Action::BirthYear => {
                let years = under_90(&dates()?, rows.ages);
                let is_90 = |age: &Age| match age {
                    Age::Under90 => Some(false),
                    Age::Reaches90 => Some(true),
                    Age::Unknown => None,
                };
                let is_90: BooleanArray = rows.ages.iter().map(is_90).collect();
                Ok(vec![
                    (year_name(name), Arc::new(years) as ArrayRef),
                    ("is_90_or_over".to_owned(), Arc::new(is_90)),
                ])
            }
            Action::KeepUnder90 => {
                let keep: BooleanArray = rows
                    .ages
                    .iter()
                    .map(|age| Some(*age == Age::Under90))
                    .collect();
                let nothing = new_null_array(column.data_type(), column.len());
                let array = zip(&keep, &column, &nothing)
                    .map_err(DeidentifyError::arrow("leaving out values"))?;
                one(name.to_owned(), array)
            }
            Action::Zip3 => {
                let texts = texts(name, column)?;
                let shown = texts.iter().map(|zip| Some(self.areas.shown(zip?)));
                let name = format!("{}_3", name.trim_end_matches("_3"));
                one(name, Arc::new(shown.collect::<StringArray>()))
            }
            Action::Id(kind) => {
                let texts = texts(name, column)?;
                let codes = texts.iter().zip(rows.patients);
                let codes = codes.map(|(text, patient)| {
                    let Some(text) = text else { return Ok(None) };
                    let patient = patient.as_deref();
                    // The same text at two patients gets two codes: it may mean two things.
                    let value = match (kind == PATIENT, patient) {
                        (true, Some(patient)) => patient.to_owned(),
                        (_, patient) => format!("{}/{text}", patient.unwrap_or_default()),
                    };
                    let code = self.codebook.code(kind, &value, patient)?;
                    Ok(Some(code.to_owned()))
                });
                let codes = codes.collect::<Result<StringArray>>()?;
                one(name.to_owned(), Arc::new(codes))
            }
            Action::Provider(_) if self.keep_providers => {
                self.make(name, column, &Action::Code(10), rows)
            }
            Action::Provider(kind) => {
                let texts = texts(name, column)?;
                let codes = texts.iter().map(|text| {
                    let Some(text) = text else { return Ok(None) };
                    Ok(Some(self.codebook.code(kind, text, None)?.to_owned()))
                });
                let codes = codes.collect::<Result<StringArray>>()?;
                one(name.to_owned(), Arc::new(codes))
            }
            Action::Shift => {
                let Some(days) = column.as_primitive_opt::<Date32Type>() else {
                    return Err(DeidentifyError::Policy(format!(
                        "column {name} has no dates that can be moved"
                    )));
                };
                let moved = days.iter().zip(rows.patients).map(|(day, patient)| {
                    let (Some(day), Some(patient)) = (day, patient) else {
                        return Ok(None);
                    };
                    Ok(day.checked_add(self.codebook.shift_days(patient)?))
                });
                one(
                    name.to_owned(),
                    Arc::new(moved.collect::<Result<Date32Array>>()?),
                )
            }
        }
    }

    fn fitting(
        &mut self,
        name: &str,
        column: &ArrayRef,
        fits: impl Fn(&str) -> bool,
    ) -> Result<ArrayRef> {
        let texts = texts(name, column)?;
        let mut unfit = 0;
        let kept = texts.iter().map(|text| {
            let kept = text.filter(|text| fits(text));
            unfit += u64::from(text.is_some() && kept.is_none());
            kept
        });
        let kept: StringArray = kept.collect();
        self.unfit += unfit;
        Ok(Arc::new(kept))
    }
}

/// The texts of a column.
pub(crate) fn texts<'c>(name: &str, column: &'c ArrayRef) -> Result<&'c StringArray> {
    column.as_string_opt::<i32>().ok_or_else(|| {
        let data_type = column.data_type();
        DeidentifyError::Policy(format!("column {name} has no text but {data_type}"))
    })
}

/// The rows that are kept, of each column.
pub(crate) fn filtered(column: &ArrayRef, keep: &BooleanArray) -> Result<ArrayRef> {
    filter(column, keep).map_err(DeidentifyError::arrow("leaving out rows"))
}
