// What LeakSanitizer is to overlook: fontconfig, Pango and what they stand on keep the fonts that
// they opened until the process ends, libx265 some tables.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT
    return "leak:libfontconfig\nleak:libpango\nleak:libcairo\nleak:libglib\nleak:libx265\n";
}
