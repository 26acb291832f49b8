//! The binary: see `bindery --help`.

fn main() -> std::process::ExitCode {
    bindery::cli::main()
}
