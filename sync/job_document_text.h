// What is checked and told of a job's text before and around its parsers: bytes, lines and columns.
//
// Threads: values and pure functions.
#ifndef BIZOND_SYNC_JOB_DOCUMENT_TEXT_H_
#define BIZOND_SYNC_JOB_DOCUMENT_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/job_document.h"

namespace bizond {

// The first problem of the bytes: too many, not UTF-8, a control character.
std::optional<JobIssue> CheckJobText(std::string_view text);

// Places in a text, which must outlive it.
class TextPositions {
 public:
  explicit TextPositions(std::string_view text);
  Position At(size_t offset) const;
  // yaml-cpp counts lines and columns from 0, and columns in bytes.
  Position OfYaml(int line, int column) const;

 private:
  std::string_view text_;
  std::vector<size_t> lines_;  // Where each begins.
};

struct YamlProblem {
  std::string message;
  std::string remedy;
};
// A person's words for yaml-cpp's.
YamlProblem ExplainYaml(std::string_view words);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_DOCUMENT_TEXT_H_
