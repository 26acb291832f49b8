//! The lists of submit_multi and its response.

use std::fmt;

use super::error::DecodeErrorKind;
use super::reader::{Input, Reader, Stop};
use super::reflect::{Field, FieldError, FieldForm, FieldValue, entry_field};
use super::text::COctetString;
use super::wire::{Misfit, Source, Wire, count, counted};
use super::{CommandStatus, Leniency, Npi, Ton};

/// Where submit_multi sends the message (3.4 section 4.5.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DestAddress {
    /// One number (`dest_flag` 1).
    Sme {
        /// Its type of number.
        dest_addr_ton: Ton,
        /// Its numbering plan.
        dest_addr_npi: Npi,
        /// The number.
        destination_addr: COctetString<21>,
    },
    /// A distribution list that the message centre knows (`dest_flag` 2).
    List {
        /// Its name.
        dl_name: COctetString<21>,
    },
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DestAddressView<'a> {
    /// One number.
    Sme {
        /// Its type of number.
        dest_addr_ton: Ton,
        /// Its numbering plan.
        dest_addr_npi: Npi,
        /// The number.
        destination_addr: &'a [u8],
    },
    /// A distribution list.
    List {
        /// Its name.
        dl_name: &'a [u8],
    },
}

/// A destination that the message centre refused (3.4 section 4.5.2.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnsuccessSme {
    /// Its type of number.
    pub dest_addr_ton: Ton,
    /// Its numbering plan.
    pub dest_addr_npi: Npi,
    /// The number.
    pub destination_addr: COctetString<21>,
    /// Why.
    pub error_status_code: CommandStatus,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct UnsuccessSmeView<'a> {
    /// Its type of number.
    pub dest_addr_ton: Ton,
    /// Its numbering plan.
    pub dest_addr_npi: Npi,
    /// The number.
    pub destination_addr: &'a [u8],
    /// Why.
    pub error_status_code: CommandStatus,
}

/// An entry of a list whose number stands in front of it.
pub trait Entry: Sized + Clone + fmt::Debug + PartialEq + 'static {
    /// The entry, borrowed.
    type View<'a>: Copy + fmt::Debug + PartialEq;
    /// The name of the field that counts the entries.
    const COUNT: &'static str;
    /// What the list looks like.
    const FORM: FieldForm;

    /// Reads one entry.
    fn read<'a>(reader: &mut impl Input<'a>) -> Result<Self::View<'a>, Stop>;
    /// Borrows one.
    fn borrow(&self) -> Self::View<'_>;
    /// Owns one.
    fn own(view: Self::View<'_>) -> Self;
    /// Appends one.
    fn write(view: Self::View<'_>, out: &mut Vec<u8>) -> Result<(), Misfit>;
    /// Its fields by name.
    fn describe<'a>(view: Self::View<'a>, out: &mut Vec<Field<'a>>);
    /// Builds one from fields by name.
    fn from_fields(fields: &[Field<'_>]) -> Result<Self, FieldError>;
}

/// A list inside a view; iterating over it allocates nothing.
pub enum ListView<'a, E: Entry> {
    /// As it stands in a frame, checked.
    Wire {
        /// How many entries.
        count: usize,
        /// Their octets.
        octets: &'a [u8],
    },
    /// Of an owned value.
    Slice(&'a [E]),
}

impl<'a, E: Entry> ListView<'a, E> {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Wire { count, .. } => *count,
            Self::Slice(entries) => entries.len(),
        }
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = E::View<'a>> {
        let (octets, slice) = match self {
            Self::Wire { octets, .. } => (octets, [].as_slice()),
            Self::Slice(entries) => ([].as_slice(), entries),
        };
        let mut reader = Reader::new(
            octets.len(),
            octets,
            super::CommandId::SUBMIT_MULTI,
            Leniency::LENIENT,
        );
        let wire = std::iter::from_fn(move || {
            if reader.rest().is_empty() {
                None
            } else {
                E::read(&mut reader).ok()
            }
        });
        wire.chain(slice.iter().map(E::borrow))
    }
}

// By hand: deriving would ask the same of `E`.
impl<E: Entry> Clone for ListView<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Entry> Copy for ListView<'_, E> {}

impl<E: Entry> Default for ListView<'_, E> {
    fn default() -> Self {
        Self::Slice(&[])
    }
}

impl<E: Entry> PartialEq for ListView<'_, E> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<E: Entry> fmt::Debug for ListView<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<E: Entry> Wire for Vec<E> {
    const FORM: FieldForm = E::FORM;
    type View<'a> = ListView<'a, E>;

    fn read<'a>(reader: &mut impl Input<'a>, _: &'static str) -> Result<ListView<'a, E>, Stop> {
        let count = usize::from(reader.octet(E::COUNT)?);
        let start = reader.rest();
        for _ in 0..count {
            E::read(reader)?;
        }
        let length = start.len() - reader.rest().len();
        Ok(ListView::Wire {
            count,
            octets: start.get(..length).unwrap_or_default(),
        })
    }

    fn borrow(&self) -> ListView<'_, E> {
        ListView::Slice(self)
    }

    fn own(view: ListView<'_, E>, _: Source<'_>) -> Self {
        view.iter().map(E::own).collect()
    }

    fn write(view: ListView<'_, E>, _: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit> {
        out.push(count(view.len(), E::COUNT)?);
        view.iter().try_for_each(|entry| E::write(entry, out))
    }

    fn describe<'a>(view: ListView<'a, E>, field: &'static str, out: &mut Vec<Field<'a>>) {
        let entries: Vec<_> = view.iter().map(fields_of::<E>).collect();
        let octets = entries.iter().flatten().map(|field| field.octets).sum();
        out.push(Field::integer(E::COUNT, counted(entries.len()), 1));
        out.push(Field {
            name: field,
            value: FieldValue::List(entries),
            octets,
        });
    }

    fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError> {
        match value {
            FieldValue::List(entries) if entries.len() > usize::from(u8::MAX) => Err(FieldError::TooLong {
                length: entries.len(),
                max: usize::from(u8::MAX),
            }),
            FieldValue::List(entries) => entries.iter().map(|entry| E::from_fields(entry)).collect(),
            _ => Err(FieldError::Type { expected: "a list" }),
        }
    }
}

impl Entry for DestAddress {
    type View<'a> = DestAddressView<'a>;
    const COUNT: &'static str = "number_of_dests";
    const FORM: FieldForm = FieldForm::DestAddresses;

    fn read<'a>(reader: &mut impl Input<'a>) -> Result<DestAddressView<'a>, Stop> {
        let flag = reader.checked_octet("dest_flag", |reader, flag| match flag {
            1 | 2 => Ok(()),
            _ => Err(reader.fail("dest_flag", DecodeErrorKind::InvalidValue { value: flag.into() })),
        })?;
        if flag == 2 {
            return Ok(DestAddressView::List {
                dl_name: reader.text("dl_name", 21)?,
            });
        }
        Ok(DestAddressView::Sme {
            dest_addr_ton: Ton::read(reader, "dest_addr_ton")?,
            dest_addr_npi: Npi::read(reader, "dest_addr_npi")?,
            destination_addr: reader.text("destination_addr", 21)?,
        })
    }

    fn borrow(&self) -> DestAddressView<'_> {
        match self {
            Self::Sme {
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
            } => DestAddressView::Sme {
                dest_addr_ton: *dest_addr_ton,
                dest_addr_npi: *dest_addr_npi,
                destination_addr: destination_addr.as_bytes(),
            },
            Self::List { dl_name } => DestAddressView::List {
                dl_name: dl_name.as_bytes(),
            },
        }
    }

    fn own(view: DestAddressView<'_>) -> Self {
        match view {
            DestAddressView::Sme {
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
            } => {
                let destination_addr = COctetString::keep(destination_addr);
                Self::Sme {
                    dest_addr_ton,
                    dest_addr_npi,
                    destination_addr,
                }
            }
            DestAddressView::List { dl_name } => Self::List {
                dl_name: COctetString::keep(dl_name),
            },
        }
    }

    fn write(view: DestAddressView<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match view {
            DestAddressView::Sme {
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
            } => {
                out.extend_from_slice(&[1, dest_addr_ton.value(), dest_addr_npi.value()]);
                COctetString::<21>::write(destination_addr, "destination_addr", out)
            }
            DestAddressView::List { dl_name } => {
                out.push(2);
                COctetString::<21>::write(dl_name, "dl_name", out)
            }
        }
    }

    fn describe<'a>(view: DestAddressView<'a>, out: &mut Vec<Field<'a>>) {
        match view {
            DestAddressView::Sme {
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
            } => out.extend([
                Field::integer("dest_flag", 1_u8, 1),
                Field::integer("dest_addr_ton", dest_addr_ton.value(), 1),
                Field::integer("dest_addr_npi", dest_addr_npi.value(), 1),
                Field::text("destination_addr", destination_addr),
            ]),
            DestAddressView::List { dl_name } => {
                out.extend([
                    Field::integer("dest_flag", 2_u8, 1),
                    Field::text("dl_name", dl_name),
                ]);
            }
        }
    }

    fn from_fields(fields: &[Field<'_>]) -> Result<Self, FieldError> {
        match (entry_field(fields, "dest_flag"), entry_field(fields, "dl_name")) {
            (Some(FieldValue::Integer(2)) | None, Some(name)) => Ok(Self::List {
                dl_name: COctetString::from_value(name)?,
            }),
            (Some(FieldValue::Integer(1)) | None, None) => Ok(Self::Sme {
                dest_addr_ton: or_default(fields, "dest_addr_ton")?,
                dest_addr_npi: or_default(fields, "dest_addr_npi")?,
                destination_addr: or_default(fields, "destination_addr")?,
            }),
            _ => Err(FieldError::Entry { field: "dest_flag" }),
        }
    }
}

impl Entry for UnsuccessSme {
    type View<'a> = UnsuccessSmeView<'a>;
    const COUNT: &'static str = "no_unsuccess";
    const FORM: FieldForm = FieldForm::UnsuccessSmes;

    fn read<'a>(reader: &mut impl Input<'a>) -> Result<UnsuccessSmeView<'a>, Stop> {
        Ok(UnsuccessSmeView {
            dest_addr_ton: Ton::read(reader, "dest_addr_ton")?,
            dest_addr_npi: Npi::read(reader, "dest_addr_npi")?,
            destination_addr: reader.text("destination_addr", 21)?,
            error_status_code: CommandStatus::read(reader, "error_status_code")?,
        })
    }

    fn borrow(&self) -> UnsuccessSmeView<'_> {
        UnsuccessSmeView {
            dest_addr_ton: self.dest_addr_ton,
            dest_addr_npi: self.dest_addr_npi,
            destination_addr: self.destination_addr.as_bytes(),
            error_status_code: self.error_status_code,
        }
    }

    fn own(view: UnsuccessSmeView<'_>) -> Self {
        Self {
            dest_addr_ton: view.dest_addr_ton,
            dest_addr_npi: view.dest_addr_npi,
            destination_addr: COctetString::keep(view.destination_addr),
            error_status_code: view.error_status_code,
        }
    }

    fn write(view: UnsuccessSmeView<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
        out.extend_from_slice(&[view.dest_addr_ton.value(), view.dest_addr_npi.value()]);
        COctetString::<21>::write(view.destination_addr, "destination_addr", out)?;
        CommandStatus::write(view.error_status_code, "error_status_code", out)
    }
    fn describe<'a>(view: UnsuccessSmeView<'a>, out: &mut Vec<Field<'a>>) {
        out.extend([
            Field::integer("dest_addr_ton", view.dest_addr_ton.value(), 1),
            Field::integer("dest_addr_npi", view.dest_addr_npi.value(), 1),
            Field::text("destination_addr", view.destination_addr),
            Field::integer("error_status_code", view.error_status_code.value(), 4),
        ]);
    }

    fn from_fields(fields: &[Field<'_>]) -> Result<Self, FieldError> {
        Ok(Self {
            dest_addr_ton: or_default(fields, "dest_addr_ton")?,
            dest_addr_npi: or_default(fields, "dest_addr_npi")?,
            destination_addr: or_default(fields, "destination_addr")?,
            error_status_code: or_default(fields, "error_status_code")?,
        })
    }
}

fn or_default<T: Wire + Default>(fields: &[Field<'_>], name: &str) -> Result<T, FieldError> {
    entry_field(fields, name).map_or_else(|| Ok(T::default()), T::from_value)
}

fn fields_of<'a, E: Entry>(view: E::View<'a>) -> Vec<Field<'a>> {
    let mut fields = Vec::new();
    E::describe(view, &mut fields);
    fields
}
