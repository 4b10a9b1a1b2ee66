// The rules of the house, each a function from a file of the tree to what it breaks: who may
// include whom, how long files and functions may be, what is banned where, and how a header begins.
// The tables are in house_rules.cc.
//
// Threads: pure functions.
#ifndef BIZOND_TESTS_TIDY_HOUSE_RULES_H_
#define BIZOND_TESTS_TIDY_HOUSE_RULES_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_text.h"

namespace bizond::tidy {

struct Violation {
  std::string path;
  int line;  // From 1.
  std::string message;
};

using Violations = std::vector<Violation>;

// "path:line: message", one a line.
std::string Describe(const Violations& violations);

// Rules over C++ sources and headers.
Violations CheckIncludes(const SourceText& source);
Violations CheckFunctionLengths(const SourceText& source);
Violations CheckBans(const SourceText& source);
Violations CheckHeader(const SourceText& source);  // Nothing for a .cc.

// Rules over every text file.
Violations CheckLength(const SourceText& source);  // Nothing but for .h, .cc, .js and .mjs.
Violations CheckWords(const SourceText& source);

// All of the above that concern this kind of file.
Violations CheckAll(const SourceText& source);

// Classes of one name in several files: a program that holds two of them has one of them twice and
// the other never, and no compiler says so. A class of one .cc belongs in its unnamed namespace.
Violations CheckClassNames(const std::vector<SourceText>& sources);

// Connector folders that the text of their room's catalog.cc does not name.
Violations CheckCatalog(const std::string& room, const std::vector<std::string>& folders,
                        std::string_view catalog);

}  // namespace bizond::tidy

#endif  // BIZOND_TESTS_TIDY_HOUSE_RULES_H_
