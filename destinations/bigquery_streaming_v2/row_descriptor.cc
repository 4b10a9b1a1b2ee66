#include "destinations/bigquery_streaming_v2/row_descriptor.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <set>

namespace bizond {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;

// google.cloud.bigquery.storage.v1.column_name, an extension of FieldOptions.
constexpr int kColumnNameOption = 454943157;

FieldDescriptorProto::Type ProtoType(BigQueryType type) {
  switch (type) {
    case BigQueryType::kInteger:
    case BigQueryType::kTimestamp:  // Microseconds since 1970.
      return FieldDescriptorProto::TYPE_INT64;
    case BigQueryType::kDate:  // Days since 1970.
      return FieldDescriptorProto::TYPE_INT32;
    case BigQueryType::kFloat:
      return FieldDescriptorProto::TYPE_DOUBLE;
    case BigQueryType::kBoolean:
      return FieldDescriptorProto::TYPE_BOOL;
    case BigQueryType::kBytes:
      return FieldDescriptorProto::TYPE_BYTES;
    case BigQueryType::kRecord:
      return FieldDescriptorProto::TYPE_MESSAGE;
    default:
      return FieldDescriptorProto::TYPE_STRING;
  }
}

FieldDescriptorProto::Label ProtoLabel(const BigQueryColumn& column) {
  switch (column.mode) {
    case ColumnMode::kRequired:
      // One that makes its own value may be left out of a row.
      return column.default_value_expression.empty() ? FieldDescriptorProto::LABEL_REQUIRED
                                                     : FieldDescriptorProto::LABEL_OPTIONAL;
    case ColumnMode::kRepeated:
      return FieldDescriptorProto::LABEL_REPEATED;
    default:
      return FieldDescriptorProto::LABEL_OPTIONAL;
  }
}

bool IsIdentifier(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || !(letter(name[0]) || name[0] == '_')) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

// A field and a type of one message must not share a name.
std::string TypePrefix(const BigQuerySchema& schema) {
  std::string prefix = "Record";
  while (std::any_of(schema.begin(), schema.end(), [&](const BigQueryColumn& column) {
    return column.name.starts_with(prefix);
  })) {
    prefix += "_";
  }
  return prefix;
}

void AddFields(const BigQuerySchema& schema, const std::string& type_prefix,
               DescriptorProto* message, DescriptorProto* root) {
  std::set<std::string> names;
  for (const BigQueryColumn& column : schema) names.insert(column.name);
  for (size_t i = 0; i < schema.size(); ++i) {
    const BigQueryColumn& column = schema[i];
    FieldDescriptorProto* const field = message->add_field();
    field->set_number(static_cast<int32_t>(FieldNumber(i)));
    field->set_type(ProtoType(column.type));
    field->set_label(ProtoLabel(column));
    std::string name = column.name;
    if (!IsIdentifier(name)) {
      name = fmt::format("column_{}", i + 1);
      while (names.contains(name)) name += "_";
      google::protobuf::FieldOptions* const options = field->mutable_options();
      options->GetReflection()->MutableUnknownFields(options)->AddLengthDelimited(kColumnNameOption,
                                                                                  column.name);
    }
    field->set_name(name);
    if (column.type != BigQueryType::kRecord) continue;
    // All nested types stand side by side in the outermost message, where each finds the others.
    const std::string type = fmt::format("{}{}", type_prefix, root->nested_type_size() + 1);
    field->set_type_name(type);
    DescriptorProto* const nested = root->add_nested_type();
    nested->set_name(type);
    AddFields(column.fields, type_prefix, nested, root);
  }
}

}  // namespace

std::string RowDescriptor(const BigQuerySchema& schema) {
  DescriptorProto root;
  root.set_name("Row");
  AddFields(schema, TypePrefix(schema), &root, &root);
  return root.SerializeAsString();
}

}  // namespace bizond
