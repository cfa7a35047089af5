//! Environment variables that make programs load code, or run other programs.

/// The variables, with the manual that documents them.
const LOAD_CODE: &[&str] = &[
    // The dynamic linker and the C library: ld.so(8), iconv(3)
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    // Shells: bash(1); ENV of sh(1) is left out, because it often names the environment.
    "BASH_ENV",
    "PATH",
    "PROMPT_COMMAND",
    // Git: git(1), git-config(1)
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    // Node.js: node(1)
    "NODE_OPTIONS",
    "NODE_PATH",
    // Java: java(1), JVM Tool Interface
    "CLASSPATH",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    // Python: python(1)
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    // Perl: perlrun(1)
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    // Ruby: ruby(1), bundle-config(1), gem(1)
    "BUNDLE_GEMFILE",
    "GEM_HOME",
    "GEM_PATH",
    "RUBYLIB",
    "RUBYOPT",
    // PHP: php(1)
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    // .NET: the host's startup hooks, the runtime's profiling interface
    "CORECLR_ENABLE_PROFILING",
    "CORECLR_PROFILER",
    "CORECLR_PROFILER_PATH",
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_SHARED_STORE",
    "DOTNET_STARTUP_HOOKS",
    // Erlang and Elixir: erl(1), elixir(1)
    "ELIXIR_ERL_OPTIONS",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_ZFLAGS",
    // Lua: lua(1); R: Startup; OpenSSL: config(5)
    "LUA_INIT",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "R_PROFILE",
    "R_PROFILE_USER",
];

/// Returns whether a variable makes programs load code, or run other programs.
pub fn loads_code(variable: &str) -> bool {
    LOAD_CODE.contains(&variable)
}
