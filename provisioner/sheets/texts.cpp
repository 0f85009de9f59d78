#include "sheets/texts.hpp"

#include <map>

namespace alphorn::sheets {
namespace {

const Texts kEnglish{
    .title = "Welcome to {company} chat",
    .greeting = "Dear {name}, this is your account for messages and calls at {company}.",
    .address = "Server",
    .user_name = "User name",
    .password = "First password",
    .no_password = "Log in with the account of your company; there is no password here.",
    .web = "In the browser",
    .code = "Scan this with your phone: it leads the app to the server. It holds no password.",
    .steps_title = "How to begin",
    .steps = {"Open the address above in a browser, or install “Element X” from the App Store or "
              "Google Play and scan the code.",
              "Log in with your user name and the first password, and change the password at once: "
              "Settings, Account.",
              "Let the app set up the recovery key, and keep that key where you keep important "
              "papers."},
    .keys_title = "Why the recovery key matters",
    .keys = {"Your messages are encrypted end to end. The keys are on your devices and never on "
             "the server: nobody but you and those you write to can read them, not even the people "
             "who run the server.",
             "Who loses the only device and has no recovery key loses the old messages. Nobody can "
             "bring them back; a new password does not help. With the recovery key, or a second "
             "device that is logged in, nothing is lost.",
             "Have you lost a device? Tell your administrator at once, so that it is logged out."},
    .keep = "Keep this sheet to yourself, and destroy it once you have changed the password."};

const Texts kGerman{
    .title = "Willkommen im Chat von {company}",
    .greeting = "Guten Tag {name}, dies ist Ihr Konto für Nachrichten und Anrufe bei {company}.",
    .address = "Server",
    .user_name = "Benutzername",
    .password = "Erstes Passwort",
    .no_password = "Melden Sie sich mit dem Konto Ihrer Firma an; hier gibt es kein Passwort.",
    .web = "Im Browser",
    .code =
        "Mit dem Telefon einlesen: So findet die App den Server. Ein Passwort steht nicht darin.",
    .steps_title = "So fangen Sie an",
    .steps =
        {"Öffnen Sie die Adresse oben im Browser, oder installieren Sie «Element X» aus dem App "
         "Store oder von Google Play und lesen Sie den Code ein.",
         "Melden Sie sich mit Benutzername und erstem Passwort an, und ändern Sie das Passwort "
         "sofort: Einstellungen, Konto.",
         "Lassen Sie die App den Wiederherstellungsschlüssel einrichten, und bewahren Sie ihn "
         "dort auf, wo Ihre wichtigen Papiere sind."},
    .keys_title = "Warum der Wiederherstellungsschlüssel wichtig ist",
    .keys =
        {"Ihre Nachrichten sind von Gerät zu Gerät verschlüsselt. Die Schlüssel liegen auf Ihren "
         "Geräten und nie auf dem Server: Ausser Ihnen und denen, welchen Sie schreiben, kann sie "
         "niemand lesen, auch nicht, wer den Server betreibt.",
         "Wer sein einziges Gerät verliert und keinen Wiederherstellungsschlüssel hat, verliert "
         "die alten Nachrichten. Niemand kann sie zurückholen, ein neues Passwort hilft nicht. "
         "Mit dem Schlüssel, oder mit einem zweiten angemeldeten Gerät, geht nichts verloren.",
         "Haben Sie ein Gerät verloren? Sagen Sie es sofort Ihrer Administration, damit es "
         "abgemeldet wird."},
    .keep =
        "Behalten Sie dieses Blatt für sich, und vernichten Sie es, sobald das Passwort geändert "
        "ist."};

const Texts kFrench{
    .title = "Bienvenue sur la messagerie de {company}",
    .greeting =
        "Bonjour {name}, voici votre compte pour les messages et les appels chez {company}.",
    .address = "Serveur",
    .user_name = "Nom d’utilisateur",
    .password = "Premier mot de passe",
    .no_password =
        "Connectez-vous avec le compte de votre entreprise ; il n’y a pas de mot de passe "
        "ici.",
    .web = "Dans le navigateur",
    .code =
        "À scanner avec votre téléphone : l’application trouve ainsi le serveur. Le code ne "
        "contient pas de mot de passe.",
    .steps_title = "Pour commencer",
    .steps =
        {"Ouvrez l’adresse ci-dessus dans un navigateur, ou installez « Element X » depuis l’App "
         "Store ou Google Play et scannez le code.",
         "Connectez-vous avec votre nom d’utilisateur et le premier mot de passe, puis changez "
         "aussitôt le mot de passe : Paramètres, Compte.",
         "Laissez l’application créer la clé de récupération, et gardez cette clé là où vous "
         "gardez vos papiers importants."},
    .keys_title = "Pourquoi la clé de récupération est importante",
    .keys =
        {"Vos messages sont chiffrés de bout en bout. Les clés se trouvent sur vos appareils et "
         "jamais sur le serveur : personne ne peut les lire, sauf vous et vos correspondants, "
         "pas même ceux qui exploitent le serveur.",
         "Qui perd son seul appareil sans avoir de clé de récupération perd ses anciens messages. "
         "Personne ne peut les rétablir, et un nouveau mot de passe n’y change rien. Avec la clé, "
         "ou avec un deuxième appareil connecté, rien n’est perdu.",
         "Vous avez perdu un appareil ? Prévenez aussitôt votre administration, pour qu’il soit "
         "déconnecté."},
    .keep = "Gardez cette feuille pour vous, et détruisez-la dès que le mot de passe est changé."};

const Texts kItalian{
    .title = "Benvenuti nella chat di {company}",
    .greeting = "Buongiorno {name}, ecco il suo account per messaggi e chiamate presso {company}.",
    .address = "Server",
    .user_name = "Nome utente",
    .password = "Prima password",
    .no_password = "Acceda con l’account della sua azienda; qui non c’è nessuna password.",
    .web = "Nel browser",
    .code =
        "Da leggere con il telefono: così l’app trova il server. Il codice non contiene la "
        "password.",
    .steps_title = "Per cominciare",
    .steps =
        {"Apra l’indirizzo qui sopra in un browser, oppure installi «Element X» dall’App Store o "
         "da Google Play e legga il codice.",
         "Acceda con il nome utente e la prima password, e cambi subito la password: "
         "Impostazioni, Account.",
         "Lasci che l’app prepari la chiave di recupero, e la conservi dove tiene i documenti "
         "importanti."},
    .keys_title = "Perché la chiave di recupero è importante",
    .keys = {"I suoi messaggi sono cifrati da un capo all’altro. Le chiavi si trovano sui suoi "
             "dispositivi e mai sul server: nessuno può leggerli tranne lei e i suoi "
             "interlocutori, nemmeno chi gestisce il server.",
             "Chi perde il suo unico dispositivo e non ha la chiave di recupero perde i vecchi "
             "messaggi. Nessuno può recuperarli, e una nuova password non aiuta. Con la chiave, o "
             "con un secondo dispositivo collegato, non si perde nulla.",
             "Ha perso un dispositivo? Lo dica subito alla sua amministrazione, perché venga "
             "scollegato."},
    .keep = "Tenga questo foglio per sé, e lo distrugga appena la password è cambiata."};

}  // namespace

const Texts& texts_in(const std::string& language) {
  static const std::map<std::string, const Texts*> all{
      {"en", &kEnglish}, {"de", &kGerman}, {"fr", &kFrench}, {"it", &kItalian}};
  const auto found = all.find(language);
  return found == all.end() ? kEnglish : *found->second;
}

}  // namespace alphorn::sheets
