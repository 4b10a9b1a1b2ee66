// A file of the tree as the house's rules read it: its lines, and the same lines with comments,
// literals and preprocessor directives blanked, so that a rule about code does not trip over words.
//
// Threads: values, no shared state.
#ifndef BIZOND_TESTS_TIDY_SOURCE_TEXT_H_
#define BIZOND_TESTS_TIDY_SOURCE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace bizond::tidy {

struct SourceText {
  std::string path;                // Relative to the root of the tree, with '/'.
  std::vector<std::string> lines;  // As they are.
  std::vector<std::string> code;   // As many, blanked.

  static SourceText Parse(std::string path, std::string_view text);
};

// A function's body in `code`; lines count from 1, the signature's first line included.
struct FunctionSpan {
  int first_line;
  int last_line;
};

// Finds function bodies by counting braces: good for code in the Google style, no parser.
std::vector<FunctionSpan> FindFunctions(const SourceText& source);

// A class, struct, union or enum that is defined at the level of namespaces, none of them unnamed:
// one that every other file of a program sees, or clashes with.
struct ClassDefinition {
  std::string name;  // "bizond::tidy::SourceText"
  int line;          // Of its opening brace, from 1.
};
std::vector<ClassDefinition> FindSharedClasses(const SourceText& source);

std::vector<std::string> SplitLines(std::string_view text);

}  // namespace bizond::tidy

#endif  // BIZOND_TESTS_TIDY_SOURCE_TEXT_H_
