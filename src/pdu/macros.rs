//! What one row of the PDU table turns into.

/// The type of a field inside a view, spelt out: through a trait the views would be invariant.
macro_rules! view_of {
    ($a:lifetime COctetString $max:tt) => { &$a [u8] };
    ($a:lifetime OctetString) => { &$a [u8] };
    ($a:lifetime Vec $entry:tt) => { ListView<$a, $entry> };
    ($a:lifetime $integer:ident) => { $integer };
}

/// Declares the PDUs: owned struct, view, constants of [`CommandId`](super::CommandId), `Pdu`, `PduView`.
macro_rules! pdus {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident, $view:ident, $constant:ident $text:ident = $id:literal, $since:ident,
        esme [$($esme:ident)*], smsc [$($smsc:ident)*] {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ident $(<$size:tt>)?, )*
        }
    )*) => {
        use $crate::pdu::macros::*;

        $(
            $(#[doc = $doc])*
            #[derive(Clone, Default, PartialEq)]
            pub struct $name {
                $( $(#[doc = $field_doc])* pub $field: $type $(<$size>)?, )*
                /// The optional parameters.
                pub tlvs: Tlvs,
            }

            #[doc = concat!("The body of ", stringify!($text), ", borrowed: what reading gives, and a way to encode without owning.")]
            #[derive(Clone, Copy, Default, PartialEq)]
            pub struct $view<'a> {
                $( $(#[doc = $field_doc])* pub $field: view_of!('a $type $($size)?), )*
                /// The optional parameters.
                pub tlvs: TlvsView<'a>,
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name))
                        $( .field(stringify!($field), shown(stringify!($field), &self.$field)) )*
                        .field("tlvs", &self.tlvs)
                        .finish()
                }
            }

            impl fmt::Debug for $view<'_> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($view))
                        $( .field(stringify!($field), shown(stringify!($field), &self.$field)) )*
                        .field("tlvs", &self.tlvs)
                        .finish()
                }
            }

            impl $name {
                /// Borrows every field.
                #[must_use]
                #[inline]
                pub fn view(&self) -> $view<'_> {
                    $view { $( $field: Wire::borrow(&self.$field), )* tlvs: self.tlvs.view() }
                }

                fn set(&mut self, name: &str, value: &FieldValue<'_>) -> Result<(), FieldError> {
                    match (name, value) {
                        $( (name, value) if name == stringify!($field) => {
                            Wire::from_value(value).map(|value| self.$field = value)
                        } )*
                        _ => Err(FieldError::Unknown),
                    }
                }
            }

            impl<'a> $view<'a> {
                #[inline(always)]
                pub(super) fn read(reader: &mut impl Input<'a>) -> Result<Self, Stop> {
                    Ok(Self {
                        $( $field: <$type $(<$size>)? as Wire>::read(reader, stringify!($field))?, )*
                        tlvs: reader.tlvs()?,
                    })
                }

                // Apart from the reading: within a larger function the value is built in one place and moved to another.
                #[inline(never)]
                fn decoded(&self, header: &[u8; Header::LENGTH], source: Source<'_>) -> Result<Decoded, DecodeError> {
                    let header = Header::parse(header);
                    let pdu = Pdu::$name(self.own(source));
                    Ok(Decoded { header, pdu, faults: Faults::NONE, body_absent: false })
                }

                fn describe(&self, out: &mut Vec<Field<'a>>) {
                    out.reserve(Self::COMMAND_ID.fields().len());
                    $( <$type $(<$size>)? as Wire>::describe(self.$field, stringify!($field), out); )*
                }

                /// An owned copy.
                #[must_use]
                pub fn to_owned_body(&self) -> $name {
                    self.own(Source::Copies)
                }

                #[inline]
                fn write(&self, out: &mut Vec<u8>) -> Result<(), Misfit> {
                    $( <$type $(<$size>)? as Wire>::write(self.$field, stringify!($field), out)?; )*
                    if !self.tlvs.is_empty() {
                        out.extend_from_slice(self.tlvs.as_bytes());
                    }
                    Ok(())
                }

                #[inline(always)]
                fn own(&self, source: Source<'_>) -> $name {
                    $name {
                        // First, because what a call has just stored cannot be moved on without waiting.
                        tlvs: source.take_tlvs(self.tlvs),
                        $( $field: <$type $(<$size>)? as Wire>::own(self.$field, source), )*
                    }
                }
            }

            impl Body for $name {
                const COMMAND_ID: CommandId = CommandId::$constant;

                #[inline]
                fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                    self.view().encode_body(out)
                }

                fn has_tlvs(&self) -> bool {
                    !self.tlvs.is_empty()
                }
            }

            impl Body for $view<'_> {
                const COMMAND_ID: CommandId = CommandId::$constant;

                #[inline]
                fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                    self.write(out).map_err(|(field, kind)| EncodeError { kind, field, command_id: Self::COMMAND_ID })
                }

                fn has_tlvs(&self) -> bool {
                    !self.tlvs.is_empty()
                }
            }

            impl From<$name> for Pdu {
                fn from(body: $name) -> Self {
                    Self::$name(body)
                }
            }
        )*

        /// The body of any PDU, owned.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Pdu {
            $( $(#[doc = $doc])* $name($name), )*
        }

        /// The body of any PDU, borrowed from its frame.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum PduView<'a> {
            $( $(#[doc = $doc])* $name($view<'a>), )*
        }

        impl Pdu {
            /// Which PDU this is.
            #[must_use]
            pub const fn command_id(&self) -> CommandId {
                match self {
                    $( Self::$name(_) => CommandId::$constant, )*
                }
            }

            /// An empty body of this PDU; none for an unknown command_id.
            #[must_use]
            pub fn empty(command_id: CommandId) -> Option<Self> {
                match command_id {
                    $( CommandId::$constant => Some(Self::$name($name::default())), )*
                    _ => None,
                }
            }

            /// Borrows every field.
            #[must_use]
            pub fn view(&self) -> PduView<'_> {
                match self {
                    $( Self::$name(body) => PduView::$name(body.view()), )*
                }
            }

            /// The optional parameters.
            #[must_use]
            pub const fn tlvs(&self) -> &Tlvs {
                match self {
                    $( Self::$name(body) => &body.tlvs, )*
                }
            }

            /// Sets a mandatory field by its standard name.
            ///
            /// # Errors
            ///
            /// There is no such field, or the value does not fit; counters such as `sm_length` are no fields.
            pub fn set(&mut self, name: &str, value: &FieldValue<'_>) -> Result<(), FieldError> {
                match self {
                    $( Self::$name(body) => body.set(name, value), )*
                }
            }

            /// The optional parameters, to change them.
            pub const fn tlvs_mut(&mut self) -> &mut Tlvs {
                match self {
                    $( Self::$name(body) => &mut body.tlvs, )*
                }
            }

            /// Appends one frame.
            ///
            /// # Errors
            ///
            /// A field that does not fit; `out` is then as before.
            pub fn encode(
                &self,
                status: CommandStatus,
                sequence: SequenceNumber,
                out: &mut Vec<u8>,
            ) -> Result<(), EncodeError> {
                match self {
                    $( Self::$name(body) => encode(body, status, sequence, out), )*
                }
            }

            pub(super) fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                match self {
                    $( Self::$name(body) => body.encode_body(out), )*
                }
            }
        }

        impl<'a> PduView<'a> {
            /// Which PDU this is.
            #[must_use]
            pub const fn command_id(&self) -> CommandId {
                match self {
                    $( Self::$name(_) => CommandId::$constant, )*
                }
            }

            /// The optional parameters.
            #[must_use]
            pub const fn tlvs(&self) -> TlvsView<'a> {
                match self {
                    $( Self::$name(body) => body.tlvs, )*
                }
            }

            /// The mandatory fields in the order of the wire, counters such as `sm_length` included.
            #[must_use]
            pub fn fields(&self) -> Vec<Field<'a>> {
                let mut fields = Vec::new();
                match self {
                    $( Self::$name(body) => body.describe(&mut fields), )*
                }
                fields
            }

            /// An owned copy.
            #[must_use]
            pub fn to_pdu(&self) -> Pdu {
                self.own(Source::Copies)
            }

            /// An owned value whose long fields are slices of `frame`, the frame that this view was taken of.
            #[must_use]
            pub fn to_owned_pdu(&self, frame: &bytes::Bytes) -> Pdu {
                self.own(Source::Frame(frame))
            }

            fn own(&self, source: Source<'_>) -> Pdu {
                match self {
                    $( Self::$name(body) => Pdu::$name(body.own(source)), )*
                }
            }

            /// Appends one frame.
            ///
            /// # Errors
            ///
            /// A field that does not fit; `out` is then as before.
            pub fn encode(
                &self,
                status: CommandStatus,
                sequence: SequenceNumber,
                out: &mut Vec<u8>,
            ) -> Result<(), EncodeError> {
                match self {
                    $( Self::$name(body) => encode(body, status, sequence, out), )*
                }
            }

            /// Reads a frame in which nothing is odd; `otherwise` looks at any other.
            // Each arm builds the result where the caller wants it: a view is too large to be moved about. That
            // goes for the header too: four words that were just stored cannot be loaded as one without waiting.
            #[inline]
            pub(super) fn read_quickly(
                header: &[u8; Header::LENGTH],
                body: &'a [u8],
                otherwise: impl FnOnce() -> Result<View<'a>, DecodeError>,
            ) -> Result<View<'a>, DecodeError> {
                match Header::parse(header).command_id {
                    $( CommandId::$constant => {
                        if let Ok(body) = $view::read(&mut Quick::new(body)) {
                            let (header, body) = (Header::parse(header), Self::$name(body));
                            return Ok(View { header, body, faults: Faults::NONE, body_absent: false });
                        }
                    } )*
                    _ => {}
                }
                otherwise()
            }

            /// Reads and owns a frame in which nothing is odd, the same way.
            #[inline]
            pub(super) fn own_quickly(
                header: &[u8; Header::LENGTH],
                body: &[u8],
                source: Source<'_>,
                otherwise: impl FnOnce() -> Result<Decoded, DecodeError>,
            ) -> Result<Decoded, DecodeError> {
                match Header::parse(header).command_id {
                    $( CommandId::$constant => {
                        if let Ok(body) = $view::read(&mut Quick::new(body)) {
                            return body.decoded(header, source);
                        }
                    } )*
                    _ => {}
                }
                otherwise()
            }

            /// Reads the body of a PDU; none for an unknown command_id.
            pub(super) fn read(command_id: CommandId, reader: &mut Reader<'a>) -> Option<Result<Self, Stop>> {
                Some(match command_id {
                    $( CommandId::$constant => $view::read(reader).map(Self::$name), )*
                    _ => return None,
                })
            }

            /// A body with every field empty; none for an unknown command_id.
            pub(super) fn empty(command_id: CommandId) -> Option<Self> {
                match command_id {
                    $( CommandId::$constant => Some(Self::$name($view::default())), )*
                    _ => None,
                }
            }
        }

        impl CommandId {
            $( $(#[doc = $doc])* pub const $constant: Self = Self::new($id); )*

            /// Every PDU of 3.3, 3.4 and 5.0, requests and responses.
            pub const ALL: &'static [Self] = &[$( Self::$constant ),*];

            /// The standard name such as `submit_sm`; none for unknown commands.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.value() {
                    $( $id => Some(stringify!($text)), )*
                    _ => None,
                }
            }

            /// The first version that has the PDU; none for unknown commands.
            #[must_use]
            pub const fn since(self) -> Option<InterfaceVersion> {
                match self.value() {
                    $( $id => Some(InterfaceVersion::$since), )*
                    _ => None,
                }
            }

            /// The states in which the ESME may send the PDU.
            #[must_use]
            pub const fn esme_states(self) -> States {
                match self.value() {
                    $( $id => States::NONE $(.or(States::$esme))*, )*
                    _ => States::NONE,
                }
            }

            /// The states in which the message centre may send the PDU.
            #[must_use]
            pub const fn smsc_states(self) -> States {
                match self.value() {
                    $( $id => States::NONE $(.or(States::$smsc))*, )*
                    _ => States::NONE,
                }
            }

            /// What the PDU is for, in a sentence; nothing for unknown commands.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self.value() {
                    $( $id => concat!($( $doc ),*).trim_ascii(), )*
                    _ => "",
                }
            }

            /// The mandatory fields in order, counters left out.
            #[must_use]
            pub const fn fields(self) -> &'static [FieldRow] {
                match self.value() {
                    $( $id => const { &[$( FieldRow {
                        name: stringify!($field),
                        form: <$type $(<$size>)? as Wire>::FORM,
                        description: concat!($( $field_doc ),*).trim_ascii(),
                    } ),*] }, )*
                    _ => &[],
                }
            }
        }
    };
}

pub(super) use super::decode::{Decoded, View};
pub(super) use super::encode::{Body, encode};
pub(super) use super::error::{DecodeError, EncodeError};
pub(super) use super::leniency::Faults;
pub(super) use super::lists::ListView;
pub(super) use super::quick::Quick;
pub(super) use super::reader::{Input, Reader, Stop};
pub(super) use super::reflect::{Field, FieldError, FieldRow, FieldValue, shown};
pub(super) use super::wire::{Misfit, Source, Wire};
pub(super) use super::{CommandId, Header, SequenceNumber, States, Tlvs, TlvsView};
pub(super) use std::fmt;
pub(super) use {pdus, view_of};
