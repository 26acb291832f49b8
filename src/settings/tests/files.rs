//! The files of `config/` and the table of `docs/configuration.md`.
