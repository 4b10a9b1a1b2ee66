// JobDocument: a job's text as JSON values, with the place of each in the text.
//
// YAML is read by yaml-cpp, JSON by nlohmann's own parser: not all JSON is YAML that yaml-cpp reads
// (tabs, surrogate pairs in escapes). Both feed one builder, which refuses what a definition has no
// use for: keys that occur twice, other documents, tags of other languages, control characters,
// numbers that would lose digits, and whatever is beyond the limits below. Keys with a null stay.
//
// Threads: values.
#ifndef BIZOND_SYNC_JOB_DOCUMENT_H_
#define BIZOND_SYNC_JOB_DOCUMENT_H_

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sync/job_parser.h"

namespace bizond {

struct DocumentLimits {
  static constexpr size_t kBytes = 1 << 20;          // of the text
  static constexpr size_t kExpandedBytes = 1 << 20;  // that aliases add
  static constexpr size_t kValues = 100'000;
  static constexpr size_t kDepth = 64;
};

struct Position {
  int line = 0;    // 1-based; 0: unknown
  int column = 0;  // in characters, not bytes
};

// One step into a document: a key, or the index of a list's item.
struct PathStep {
  std::string key;
  int index = -1;  // -1: a key
};
using JobPath = std::vector<PathStep>;

// "source.streams[1]"; a key that is not a plain word is quoted: source["a b"].
std::string PathText(const JobPath& path);
// The inverse; what is not a path ends where it stops being one.
JobPath ParsePath(std::string_view text);
// RFC 6901: "/source/streams/1".
std::string PointerText(const JobPath& path);

// A value's place; children are parallel to the names of a mapping, or to a list's items.
struct MarkNode {
  Position key;
  Position value;
  std::vector<std::string> names;
  std::vector<MarkNode> children;
};

class JobDocument {
 public:
  // Problems are appended to `issues`; nullptr when there is nothing that could be checked further.
  static std::unique_ptr<JobDocument> Parse(std::string_view text, std::vector<JobIssue>* issues);

  // Sorted by key, as everything that is made of it.
  const nlohmann::json& value() const { return *value_; }
  // The place of a value, of its key, or of the nearest thing around it that has one.
  Position ValueAt(const JobPath& path) const;
  Position KeyAt(const JobPath& path) const;

 private:
  Position Find(const JobPath& path, bool key) const;

  std::shared_ptr<nlohmann::json> value_;
  MarkNode marks_;
};

// For a message: cut to a readable length, control characters escaped, in quotes.
std::string QuoteForMessage(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_DOCUMENT_H_
