"""How every journey begins: an empty folder, the first account, the first project."""

import re

NAME, EMAIL, PASSWORD = "Mara Lindqvist", "mara@example.org", "a bow of pernambuco"


def make_the_first_account(mara, printed):
    """By the link that the program printed."""
    (link,) = re.findall(r"http://\S+/welcome/\S+", printed)
    mara.go("/")
    mara.heading("Welcome to Luthier")
    mara.go(link)
    mara.page.get_by_label("Name").fill(NAME)
    mara.page.get_by_label("E-mail").fill(EMAIL)
    mara.page.get_by_label("Password").fill(PASSWORD)
    mara.button("Make the account").click()
    mara.heading("New project")


def make_a_project_by_keyboard(mara):
    """The page that follows the first account asks for one."""
    mara.tab_to(mara.page.get_by_label("Name"))
    mara.type("Support routing")
    mara.press("Enter")
    mara.heading("Welcome to Support routing")
