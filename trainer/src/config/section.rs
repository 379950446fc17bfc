//! Declaration of the configuration's sections. A declaration is the one place for the name, type, default, range and
//! meaning of a setting; the meaning is its doc comment.

/// A section or setting of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Dotted name; empty for the whole configuration.
    pub(super) name: String,
    /// Meaning, as plain text on one line.
    pub(super) meaning: &'static str,
    /// Whether it holds other keys.
    pub(super) is_section: bool,
}

/// The type of a section or setting.
pub(super) trait Setting {
    /// Appends the key `name` and then the keys inside it. `meaning` is the doc comment of the field.
    fn describe(name: &str, meaning: &'static str, keys: &mut Vec<Key>) {
        keys.push(Key { name: name.to_owned(), meaning: meaning.trim(), is_section: false });
    }

    /// Records the first setting that is out of its range inside the section `name`.
    fn check(&self, _name: &str, _faults: &mut super::fault::Faults) {}
}

impl Setting for bool {}
impl Setting for f64 {}
impl Setting for u64 {}
impl Setting for usize {}
impl<T> Setting for Option<T> {}
impl<T> Setting for Vec<T> {}

/// Returns the dotted name of a key inside a section.
pub(super) fn within(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// Declares a section: a struct with its [`Default`], [`Setting`] and serialisation.
///
/// ```text
/// /// What the section holds.
/// pub struct Name {
///     /// What the setting means, as `trainer config` prints it.
///     pub field: Type = default, in RANGE, with "module of serialisation";
/// }
/// ```
///
/// The range, a [`super::fault::Range`], and the module are optional. A field whose type is a section is a section
/// itself. Settings precede sections, as TOML requires.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                pub $field:ident: $type:ty = $default:expr $(, in $range:expr)? $(, with $module:tt)?;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                $(#[serde(with = $module)])?
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }

        impl $crate::config::section::Setting for $name {
            fn describe(
                name: &str,
                meaning: &'static str,
                keys: &mut Vec<$crate::config::section::Key>,
            ) {
                use $crate::config::section::{Key, Setting, within};
                keys.push(Key { name: name.to_owned(), meaning: meaning.trim(), is_section: true });
                $(
                    <$type as Setting>::describe(
                        &within(name, stringify!($field)),
                        concat!($($doc),*),
                        keys,
                    );
                )*
            }

            fn check(&self, name: &str, faults: &mut $crate::config::fault::Faults) {
                use $crate::config::section::{Setting, within};
                $(
                    let key = within(name, stringify!($field));
                    Setting::check(&self.$field, &key, faults);
                    $(faults.require(&key, &self.$field, &$range);)?
                )*
            }
        }
    };
}
pub(super) use section;
