// Groups of accounts: invitations by a link, joining, leaving, removing members.
"use strict";

function showInvitation(group) {
  const place = document.getElementById("invitation");
  const input = place.querySelector("input");
  place.hidden = false;
  input.value = `${location.origin}/together/join/${group.invitation}`;
  input.focus();
  input.select();
}

Object.assign(actions, {
  "[data-new-group]": async () => showInvitation(await request("POST", "/api/v1/me/groups")),
  "[data-invite]": async (button) => {
    showInvitation(await request("POST", `/api/v1/me/groups/${button.dataset.invite}/invitation`));
    announce(gettext("The link before is no longer valid"));
  },
  "[data-copy]": async () => {
    const input = document.querySelector("#invitation input");
    input.select();
    // Browsers offer the clipboard to pages over HTTPS only.
    if (navigator.clipboard) await navigator.clipboard.writeText(input.value);
    else document.execCommand("copy");
    announce(gettext("Copied"));
  },
  "[data-join]": async (button) => {
    const group = await request("POST", "/api/v1/me/groups/join", { invitation: button.dataset.join });
    location.assign(`/together?group=${group.groupId}`);
  },
  "[data-leave]": async (button) => {
    if (!confirm(button.dataset.question)) return;
    await request("DELETE", `/api/v1/me/groups/${button.dataset.leave}`);
    location.assign("/together");
  },
  "[data-member]": async (button) => {
    if (!confirm(button.dataset.question)) return;
    const { group, member } = button.dataset;
    await request("DELETE", `/api/v1/me/groups/${group}/members/${member}`);
    location.assign(`/together?group=${group}`);
  },
});
