// Apps find the server by its name's well-known document, as long as that is on the usual port.
import "./guide.css";

const answer = await fetch("../config.json");
const server = (await answer.json()).default_server_config["m.homeserver"];
const usualPort = new URL(server.base_url).port === "";
document.getElementById("server").textContent = usualPort ? server.server_name : server.base_url;
