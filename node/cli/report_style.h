#pragma once
// What the report's page carries besides its content.

namespace starling::cli {

/// CSS: light and dark, desk and phone, system fonts only.
extern const char* const report_style;

/// Lights up one node everywhere on the page while the pointer rests on it; nothing depends on it.
extern const char* const report_script;

}  // namespace starling::cli
