// Suppressions for LeakSanitizer: fontconfig, Pango and their libraries keep opened fonts until the
// process ends, libx265 some tables.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT
    return "leak:libfontconfig\nleak:libpango\nleak:libcairo\nleak:libglib\nleak:libx265\n";
}
