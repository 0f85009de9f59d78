#include "commands/seal.hpp"

#include "sheets/bundle.hpp"

namespace alphorn::commands {

void add_seal_options(CLI::App& command, SealOptions& options) {
  command
      .add_option("--recipient", options.recipients,
                  "Public key (age1...) of who may read first passwords; may be given twice")
      ->envname("ALPHORN_RECIPIENT");
  command.add_option("--company", options.company, "Name on the welcome sheets");
  command.add_option("--web", options.web_url, "Address of the web client, for the sheets");
}

SealOptions merged(SealOptions said, const directory::Homeserver& homeserver) {
  if (said.recipients.empty()) said.recipients = homeserver.recipients;
  if (said.company.empty()) said.company = homeserver.company;
  if (said.web_url.empty()) said.web_url = homeserver.web_url;
  return said;
}

apply::Seal make_seal(const SealOptions& options, const std::filesystem::path& folder) {
  sheets::try_recipients(options.recipients);
  return [options, folder](const std::vector<apply::Credential>& credentials) {
    std::vector<sheets::Sheet> sheets;
    sheets.reserve(credentials.size());
    for (const apply::Credential& credential : credentials) {
      sheets.push_back({.display_name = credential.person.display_name,
                        .user_id = credential.person.user_id,
                        .password = credential.password,
                        .language = credential.person.language,
                        .company = options.company,
                        .web_url = options.web_url});
    }
    sheets::write_part(folder, sheets, options.recipients);
  };
}

}  // namespace alphorn::commands
