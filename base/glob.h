// Patterns of file names: what Root::Glob matches one component of a path with.
//
// Threads: pure functions.
#ifndef BIZOND_BASE_GLOB_H_
#define BIZOND_BASE_GLOB_H_

#include <string_view>

namespace bizond {

// Whether the text holds a character that Root::Glob takes as a pattern: * ? [
bool IsGlob(std::string_view text);

// Whether a name (no '/') matches a pattern of `*`, `?` (one UTF-8 character, or one byte that is
// none), `[a-z]`, `[!a-z]` and `\` before a character that stands for itself. As in a shell, a
// leading dot is only matched by a dot. Takes at most pattern x name steps, whatever the pattern.
bool MatchesGlob(std::string_view pattern, std::string_view name);

}  // namespace bizond

#endif  // BIZOND_BASE_GLOB_H_
