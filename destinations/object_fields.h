// ObjectFields: the top-level fields of a record, as the tokens that its source wrote;
// ArrayElements the same for a list.
//
// A record was checked by RecordParser, so that these walks only find where tokens begin and end:
// no value is decoded, and none can change on the way. They never leave the view, whatever stands
// there.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_OBJECT_FIELDS_H_
#define BIZOND_DESTINATIONS_OBJECT_FIELDS_H_

#include <string_view>

namespace bizond {

struct ObjectField {
  std::string_view key;    // The inside of its quotes, escapes as written.
  std::string_view value;  // The token: "x" with its quotes, 1.50, null, {...}.
};

class ObjectFields {
 public:
  explicit ObjectFields(std::string_view object);
  // False at the end.
  bool Next(ObjectField* field);

 private:
  std::string_view text_;
  size_t at_ = 0;
};

class ArrayElements {
 public:
  explicit ArrayElements(std::string_view array);
  // False at the end.
  bool Next(std::string_view* element);

 private:
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_OBJECT_FIELDS_H_
